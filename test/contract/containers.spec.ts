import { Config, PgPool, SearchPool, SendPool, ViewPool } from '#platform';
import { DockerfileParser } from 'dockerfile-ast';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';

/** Checks of the container files against this checkout, which no linter (`npm run check`) can do. */

interface Service {
  build?: string;
  command?: string[];
  healthcheck?: object;
  restart?: string;
  deploy?: { replicas?: number; resources?: { limits?: object } };
}

/** The connections of all pools of one process. */
const CONNECTIONS_EACH = [PgPool, SendPool, SearchPool, ViewPool]
  .map((Pool) => new Pool(new Config()).options.max)
  .reduce((sum, most) => sum + most);
const compose = readFileSync('docker-compose.yml', 'utf8');
const { services } = parse(compose, { merge: true }) as { services: Record<string, Service> };
const nginx = readFileSync('deploy/nginx.conf', 'utf8');
const dockerfile = DockerfileParser.parse(readFileSync('Dockerfile', 'utf8')).getInstructions();
const of = (name: string) => dockerfile.filter((line) => line.getInstruction() === name);
const words = (line: (typeof dockerfile)[number]) => line.getArguments().map((word) => word.getValue());

describe.each(Object.entries(services))('service %s', (_name, service) => {
  it('has a health check, limits and a restart policy', () => {
    // Our own image has its health check.
    expect(service.build ? of('HEALTHCHECK').length : service.healthcheck).toBeTruthy();
    expect(service.deploy?.resources?.limits).toEqual({
      cpus: expect.stringMatching(/^\d/),
      memory: expect.stringMatching(/^\d+[MG]$/),
    });
    expect(service.restart).toBe('unless-stopped');
  });

  it('runs an existing program', () => {
    for (const path of service.command?.filter((word) => word.startsWith('dist/')) ?? [])
      expect(existsSync(path)).toBe(true);
  });
});

it('PostgreSQL accepts the connections of all processes, and of as many again during a replacement', () => {
  const replicas = Object.values(services).reduce((sum, { deploy }) => sum + (deploy?.replicas ?? 0), 0);
  const [, connections] = /max_connections=(\d+)/.exec(services.postgres!.command!.join(' '))!;
  expect(Number(connections)).toBeGreaterThan(2 * replicas * CONNECTIONS_EACH);
});

it('Redis gets its password, but not as a program argument', () => {
  const dir = mkdtempSync(join(tmpdir(), 'service-platform-redis-'));
  writeFileSync(join(dir, 'redis-server'), '#!/bin/sh\necho "$@"\ncat >&2\n', { mode: 0o755 });
  const [shell, ...args] = services.redis!.command!.map((word) => word.replaceAll('$$', '$'));
  const env = { PATH: `${dir}:${process.env.PATH}`, REDIS_PASSWORD: 'a-secret' };
  const { stdout, stderr } = spawnSync(shell!, args, { env, encoding: 'utf8' });
  rmSync(dir, { recursive: true });
  expect(stdout).toContain('noeviction');
  expect([stdout, ...args].join()).not.toContain('a-secret');
  expect(stderr.trim()).toBe('requirepass "a-secret"');
});

it('every app is a service of its own', () => {
  const mains = Object.values(services).flatMap(({ command }) => command?.at(-1) ?? []);
  for (const app of ['api', 'realtime', 'worker']) expect(mains).toContain(`dist/apps/${app}/src/main.js`);
});

describe('settings', () => {
  const uses = [...compose.matchAll(/(?<!\$)\$\{(\w+)(:[-?])?/g)];
  const example: Record<string, string> = Object.fromEntries(
    [...readFileSync('.env.example', 'utf8').matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [
      name,
      value,
    ]),
  );

  it('are all in .env.example, and no others', () => {
    expect(Object.keys(example).sort()).toEqual([...new Set(uses.map(([, name]) => name!))].sort());
  });

  it('that are secret have no default', () => {
    const secrets = uses.filter(([, name]) => /PASSWORD|SECRET|DATABASE_URL/.test(name!));
    expect(new Set(secrets.map(([, name]) => name)).size).toBe(4);
    for (const [use, , operator] of secrets) expect([use, operator]).toEqual([use, ':?']);
    for (const name of ['POSTGRES_PASSWORD', 'REDIS_PASSWORD', 'JWT_SECRET', 'OPENAI_API_KEY'])
      expect(example[name]).toBe('');
  });
});

describe('the image', () => {
  const last = of('FROM').at(-1)!.getRange().start.line;
  const isLast = (line: (typeof dockerfile)[number]) => line.getRange().start.line > last;

  it('is built in stages, and ends as an ordinary user with an existing program', () => {
    expect(of('FROM').length).toBeGreaterThan(1);
    const [user] = words(of('USER').filter(isLast).at(-1)!);
    expect(user).not.toMatch(/^(root|0)?(:|$)/);
    const program = JSON.parse(of('CMD').filter(isLast).at(-1)!.getRawArgumentsContent()!) as string[];
    expect(existsSync(program.at(-1)!)).toBe(true);
  });

  it('copies only existing paths', () => {
    // A built checkout has the files that a stage has at /app.
    const sources = of('COPY').flatMap((line) => words(line).slice(0, -1));
    expect(sources.length).toBeGreaterThan(5);
    for (const source of sources)
      expect([source, existsSync(source.replace(/^\/app\//, ''))]).toEqual([source, true]);
  });
});

describe('the proxy', () => {
  it('sends only to existing services', () => {
    const targets = [...nginx.matchAll(/^\s*server (\w+):3000 resolve;/gm)].map(([, name]) => name!);
    expect(targets).toEqual(['api', 'realtime', 'realtime']);
    for (const target of targets) expect(services).toHaveProperty(target);
  });

  const hasNginx = spawnSync('nginx', ['-v']).status === 0;
  (hasNginx ? it : it.skip)('has settings that nginx takes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'nginx-'));
    const file = join(folder, 'nginx.conf');
    // Names of containers are known only between them, and are resolved again from nginx 1.27.3 on.
    writeFileSync(file, nginx.replace(/server \w+:3000 resolve;/g, 'server 127.0.0.1:3000;'));
    const { stderr } = spawnSync('nginx', [
      '-t',
      '-p',
      folder,
      '-e',
      'stderr',
      '-g',
      `pid ${folder}/pid;`,
      '-c',
      file,
    ]);
    expect(String(stderr)).toContain('test is successful');
    rmSync(folder, { recursive: true });
  });
});
