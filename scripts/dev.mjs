/**
 * npm run dev: runs the server, and restarts it when a source file changes. The database runs on. `--inspect` opens the
 * debugger's port, 9229.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { compile } from './prepare/compile.mjs';
import { prepare, root } from './prepare.mjs';

/** Files that change within this time, such as by a checkout, cause one restart, ms. */
const GATHER_MS = 50;
/** A server that is still busy with its sockets is killed, ms. */
const STOP_MS = 300;

await prepare();
const { watch } = await import('chokidar');
const { startEmbeddedPostgres } = await import('../dist/libs/embedded-postgres/src/embedded.js');
const { secretIn } = await import('../dist/libs/platform/src/config/secret-file.js');

const isInspected = process.argv.includes('--inspect');
const dataDir = process.env.DATA_DIR || './.data';
const postgres = await startEmbeddedPostgres(dataDir).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
const env = {
  ...process.env,
  DATABASE_URL: postgres.url,
  JWT_SECRET: process.env.JWT_SECRET || secretIn(join(dataDir, 'jwt-secret')),
};

let standby = spawnStandby();
let server;
let isStopping = false;
const changed = new Set();
let restarting = restart();

const watcher = watch(['apps', 'libs', 'prisma'], {
  cwd: root,
  ignoreInitial: true,
  ignored: (path, stats) => /prisma[\\/]generated/.test(path) || (stats?.isFile() && !isSource(path)),
}).on('all', (_, path) => {
  if (!isSource(path)) return;
  changed.add(path);
  if (changed.size === 1) restarting = restarting.then(takeChanges);
});

for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, async () => {
    if (isStopping) return;
    isStopping = true;
    await watcher.close();
    await restarting;
    await stop();
    standby.kill();
    await postgres.stop();
    process.exit(0);
  });

function isSource(path) {
  return /\.(ts|prisma|sql)$/.test(path);
}

async function takeChanges() {
  const since = performance.now();
  await sleep(GATHER_MS);
  const paths = [...changed];
  changed.clear();
  const isCompiled = paths.every((path) => path.endsWith('.ts')) ? await compile(paths) : await rebuild();
  if (!isCompiled || isStopping) return;
  await stop();
  if (!(await restart())) return;
  const more = paths.length > 1 ? ` and ${paths.length - 1} more` : '';
  console.log(`Restarted in ${((performance.now() - since) / 1000).toFixed(1)} s: ${paths[0]}${more}`);
}

/** After a change of the database's schema: generates the client, too. The server migrates when it starts. */
async function rebuild() {
  const child = spawn(process.execPath, ['scripts/prepare.mjs'], { cwd: root, stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  return code === 0;
}

function spawnStandby() {
  return spawn(process.execPath, ['--enable-source-maps', join(root, 'scripts/dev/standby.mjs')], {
    env,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
}

/** @returns whether the server listens */
async function restart() {
  const child = standby;
  server = child;
  const isReady = once(child, 'message').then(() => true);
  const hasEnded = once(child, 'exit').then(() => {
    if (server === child) console.log('The server has ended: waiting for a change…');
    return false;
  });
  child.send({ isInspected });
  const result = await Promise.race([isReady, hasEnded]);
  standby = spawnStandby();
  return result;
}

async function stop() {
  const child = server;
  server = undefined;
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(timer);
}
