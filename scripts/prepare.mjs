/**
 * Prepares a checkout: packages, Prisma client, compiled code. It updates only outdated outputs, so that it can run
 * before every command. Each output is complete or absent: an interrupted step is repeated.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

export async function prepare() {
  requireNode(20, 19);
  await install();
  await generateClient();
  await build();
}

function requireNode(major, minor) {
  const [haveMajor, haveMinor] = process.versions.node.split('.').map(Number);
  if (haveMajor > major || (haveMajor === major && haveMinor >= minor)) return;
  fail(`Node.js ${major}.${minor} or newer is needed, this is ${process.versions.node}`);
}

async function install() {
  if (isInstalled()) return;
  console.log('Installing packages…');
  // No package here needs its install script, and some scripts download files.
  const options = ['--ignore-scripts', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  // The npm that runs this script, otherwise the one on the PATH.
  const npm = process.env.npm_execpath?.endsWith('.js')
    ? [process.execPath, process.env.npm_execpath]
    : ['npm'];
  await run([...npm, 'ci', ...options]);
}

/** npm records the installed packages at the end, so this also detects a developer's own `npm install`. */
function isInstalled() {
  const record = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(record)) return false;
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, { version, integrity, optional }]) =>
      path === '' ||
      (installed[path]
        ? installed[path].version === version && installed[path].integrity === integrity
        : optional),
  );
}

async function generateClient() {
  const folder = join(root, 'libs/platform/src/prisma/generated');
  const inputs = fingerprint(['prisma/schema', 'node_modules/prisma/package.json']);
  if (isMadeFrom(folder, inputs)) return;
  console.log('Generating the database client…');
  rmSync(folder, { recursive: true, force: true });
  // Prisma only checks that its engine exists, and would otherwise download one that is never used.
  const environment = { PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, PRISMA_HIDE_UPDATE_MESSAGE: '1' };
  await run(
    [process.execPath, 'node_modules/prisma/build/index.js', 'generate', '--schema=prisma/schema'],
    environment,
  );
  writeFileSync(join(folder, '.made-from'), inputs);
}

async function build() {
  const sources = ['apps', 'libs', 'bench', 'test'].filter((name) => existsSync(join(root, name)));
  const inputs = fingerprint(
    [...sources, '.swcrc', 'node_modules/@swc/core/package.json'],
    /\.ts$|\.swcrc$|\.json$/,
  );
  const dist = join(root, 'dist');
  if (isMadeFrom(dist, inputs)) return;
  console.log('Compiling…');
  // Built in a temporary folder and renamed: no stale outputs, and no process loads a partial build.
  const workshop = join(root, `.dist-${process.pid}`);
  const draft = join(workshop, 'dist');
  const ignored = '**/*.d.ts';
  const swc = [
    'node_modules/@swc/cli/bin/swc.js',
    ...sources,
    '-d',
    draft,
    '--extensions',
    '.ts',
    '--ignore',
    ignored,
  ];
  try {
    await run([process.execPath, ...swc]);
    writeFileSync(join(draft, '.made-from'), inputs);
    if (existsSync(dist)) renameSync(dist, join(workshop, 'old'));
    renameSync(draft, dist);
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

function isMadeFrom(folder, inputs) {
  const record = join(folder, '.made-from');
  return existsSync(record) && readFileSync(record, 'utf8') === inputs;
}

/** Hashes names and contents: file times change with every checkout. */
function fingerprint(paths, only = /./) {
  const hash = createHash('sha256');
  const add = (path) => {
    const file = join(root, path);
    if (statSync(file).isDirectory())
      readdirSync(file)
        .sort()
        .forEach((name) => add(`${path}/${name}`));
    else if (only.test(path)) hash.update(`${path}\0`).update(readFileSync(file)).update('\0');
  };
  paths.forEach(add);
  return hash.digest('hex');
}

/** Prints output only on failure. */
async function run([file, ...args], environment = {}) {
  const child = spawn(file, args, {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const interrupt = () => {
    child.kill();
    process.exit(143);
  };
  process.once('SIGTERM', interrupt);
  const code = await new Promise((resolve) => child.once('error', resolve).once('close', resolve));
  process.removeListener('SIGTERM', interrupt);
  if (code === 0) return;
  console.error(output.trim());
  fail(`Failed: ${[basename(file), ...args].join(' ')}`);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await prepare();
