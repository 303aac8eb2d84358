/**
 * Tests the program as a user runs it: a fresh clone, `npm start`, the demo, all ways to stop, and typical mistakes of
 * operators. Prints the duration of each step. Ends only processes that it started.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../prepare.mjs';
import { step } from './step.mjs';

const folder = mkdtempSync(join(tmpdir(), 'smoke-'));
const clone = join(folder, 'clone');
const dataDir = join(folder, 'data');
/** Created by the first start of an embedded server. */
const account = { email: 'anna@example.com', password: 'demo-password' };

const holder = createServer().listen(0, '127.0.0.1');
await new Promise((done) => holder.once('listening', done));
const { port } = holder.address();
const url = `http://127.0.0.1:${port}`;
const ownEnvironment = { ...process.env, PORT: port, HOST: '127.0.0.1', DATA_DIR: dataDir };
for (const name of ['DATABASE_URL', 'REDIS_URL', 'JWT_SECRET']) delete ownEnvironment[name];

const running = new Set();
try {
  await step('clone', () => {
    execFileSync('git', ['-c', 'safe.directory=*', 'clone', '--quiet', root, clone], { stdio: 'inherit' });
  });
  await step('install packages', () => execFileSync('node', ['scripts/prepare.mjs'], { cwd: clone }));

  await step('port in use', () => refuses({}, 'PORT'));
  await step('unwritable DATA_DIR', () =>
    refuses({ DATA_DIR: join(clone, 'package.json/data') }, 'DATA_DIR'),
  );
  const wrong = { DATABASE_URL: 'postgresql://smoke:secret@127.0.0.1:1/none', JWT_SECRET: 'x'.repeat(64) };
  await step('wrong DATABASE_URL', () => refuses(wrong, 'DATABASE_URL'));
  await new Promise((done) => holder.close(done));

  let server = await step('first start until ready', start);
  await step('demo', () => {
    execFileSync('npm', ['run', 'demo'], {
      cwd: clone,
      env: { ...process.env, DEMO_URL: url },
      stdio: 'inherit',
    });
  });
  await step('SIGTERM to npm', () => ends(server, () => process.kill(server.pid, 'SIGTERM')));

  server = await step('second start until ready', start);
  await step('Ctrl-C, which reaches every process', () =>
    ends(server, () => process.kill(-server.pid, 'SIGINT')),
  );

  server = await step('start', start);
  process.kill(-server.pid, 'SIGKILL');
  server = await step('start after kill -9, PostgreSQL left running', start);
  await signIn();
  const postgres = postgresPid();
  process.kill(-server.pid, 'SIGKILL');
  process.kill(postgres, 'SIGKILL');
  server = await step('start after kill -9 of PostgreSQL too', start);
  await signIn();
  await step('SIGTERM to npm', () => ends(server, () => process.kill(server.pid, 'SIGTERM')));

  server = await step('start, open to other machines', () => start({ HOST: '0.0.0.0' }));
  if (await signIn().catch(() => undefined)) throw new Error('the known password is taken');
  const [, password] = /anna@example\.com +(\S+)/.exec(server.output) ?? [];
  await signIn(password);
  await step('SIGTERM to npm', () => ends(server, () => process.kill(server.pid, 'SIGTERM')));
  console.log('Smoke test passed.');
} catch (error) {
  console.error(`Smoke test failed: ${error.message}`);
  process.exitCode = 1;
} finally {
  for (const server of running) process.kill(-server.pid, 'SIGKILL');
  if (postgresPid()) process.kill(postgresPid(), 'SIGQUIT');
  holder.close();
  await sleep(500);
  rmSync(folder, { recursive: true, force: true });
}

/** Starts a process group of its own, as a shell does. */
function launch(command, args, environment = {}) {
  const child = spawn(command, args, {
    cwd: clone,
    env: { ...ownEnvironment, ...environment },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (child.output += chunk));
  running.add(child);
  child.ended = new Promise((done) => child.once('exit', done));
  void child.ended.then(() => running.delete(child));
  return child;
}

async function start(environment) {
  const server = launch('npm', ['start'], environment);
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(50)) {
    const response = await fetch(`${url}/health/ready`).catch(() => undefined);
    if (response?.ok) return server;
    if (!running.has(server)) break;
  }
  throw new Error(`it does not become ready:\n${server.output}`);
}

async function ends(server, signal) {
  const started = performance.now();
  signal();
  await Promise.race([server.ended, sleep(10_000, undefined, { ref: false })]);
  // npm may end before the process that it started.
  while (postgresPid() && performance.now() - started < 10_000) await sleep(20);
  const seconds = (performance.now() - started) / 1000;
  if (running.has(server) || postgresPid() || seconds > 5) {
    throw new Error(`it has not ended after ${seconds.toFixed(1)} s:\n${server.output}`);
  }
}

async function refuses(environment, setting) {
  const server = launch(process.execPath, ['scripts/start.mjs'], environment);
  const code = await Promise.race([server.ended, sleep(20_000, 'running', { ref: false })]);
  const lines = server.output.trim().split('\n');
  if (code === 'running' || !code || lines.length !== 1 || !lines[0].includes(setting)) {
    throw new Error(
      `one line about ${setting} and a failure were expected, not ${code} and:\n${server.output}`,
    );
  }
  if (postgresPid()) throw new Error('it left PostgreSQL running');
}

async function signIn(password = account.password) {
  const response = await fetch(`${url}/api/v2/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...account, password }),
  });
  if (!response.ok)
    throw new Error(`${account.email} cannot sign in: ${response.status} ${await response.text()}`);
  return true;
}

/** The process of the embedded server, by its lock file. A clean stop deletes the file. */
function postgresPid() {
  const file = join(dataDir, 'postgres/postmaster.pid');
  return existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n', 1)[0]) : undefined;
}
