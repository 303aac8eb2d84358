import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '#testing';

/** In place of npm: notes its process, and installs what package-lock.json says when it is allowed to. */
const NPM = `
const { appendFileSync, copyFileSync, existsSync, mkdirSync } = require('node:fs');
appendFileSync('installs', process.pid + '\\n');
process.on('SIGTERM', () => process.env.STUBBORN ? undefined : process.exit(1));
setInterval(() => {
  if (!existsSync('allowed')) return;
  mkdirSync('node_modules', { recursive: true });
  copyFileSync('package-lock.json', 'node_modules/.package-lock.json');
  process.exit(0);
}, 20);
`;

let checkout: string;
const started: ChildProcess[] = [];
beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'checkout-'));
  cpSync('scripts', join(checkout, 'scripts'), { recursive: true });
  cpSync('package-lock.json', join(checkout, 'package-lock.json'));
  writeFileSync(join(checkout, 'npm.js'), NPM);
});
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  rmSync(checkout, { recursive: true, force: true });
});

function prepare(env: NodeJS.ProcessEnv = {}): ChildProcess {
  const child = spawn(process.execPath, ['scripts/prepare.mjs'], {
    cwd: checkout,
    env: { ...process.env, ...env, npm_execpath: join(checkout, 'npm.js') },
    stdio: 'ignore',
  });
  started.push(child);
  return child;
}
const installs = () => {
  const file = join(checkout, 'installs');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : [];
};
const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

it.each([{}, { STUBBORN: 'yes' }])('ends npm when it is stopped while it installs (%j)', async (env) => {
  const child = prepare(env);
  await until('npm running', () => installs().length === 1);
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(143);
  expect(isAlive(installs()[0]!)).toBe(false);
});

it('installs once when two commands start together', async () => {
  const children = [prepare(), prepare()];
  const ends = children.map((child) => once(child, 'exit'));
  await until('npm running', () => installs().length === 1);
  writeFileSync(join(checkout, 'allowed'), '');
  // Both go on to the next step, which this checkout lacks.
  await Promise.all(ends);
  expect(installs()).toHaveLength(1);
});

it('installs after another command was killed while it installed', async () => {
  const killed = prepare();
  await until('npm running', () => installs().length === 1);
  killed.kill('SIGKILL');
  process.kill(installs()[0]!, 'SIGKILL');
  const next = prepare();
  await until('npm running again', () => installs().length === 2);
  next.kill('SIGTERM');
  await once(next, 'exit');
});
