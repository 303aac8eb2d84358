/**
 * Prepares a checkout: packages, Prisma client, compiled code. It updates only outdated outputs, so that it can run
 * before every command. Each output is complete or absent: an interrupted step is repeated.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { install } from './prepare/install.mjs';
import { alone } from './prepare/lock.mjs';
import { fail, root, run } from './prepare/run.mjs';

export { root };

export async function prepare() {
  requireNode(20, 19);
  await alone(async () => {
    await install();
    await generateClient();
    await build();
  });
}

function requireNode(major, minor) {
  const [haveMajor, haveMinor] = process.versions.node.split('.').map(Number);
  if (haveMajor > major || (haveMajor === major && haveMinor >= minor)) return;
  fail(`Node.js ${major}.${minor} or newer is needed, this is ${process.versions.node}`);
}

async function generateClient() {
  const folder = join(root, 'libs/platform/src/prisma/generated');
  const inputs = fingerprint(['prisma/schema', 'node_modules/prisma/package.json']);
  if (isMadeFrom(folder, inputs)) return;
  console.log('Generating the database client…');
  rmSync(folder, { recursive: true, force: true });
  // Prisma only checks that its engine exists, and would otherwise download one that is never used.
  const env = { PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, PRISMA_HIDE_UPDATE_MESSAGE: '1' };
  await succeed(['node_modules/prisma/build/index.js', 'generate', '--schema=prisma/schema'], env);
  writeFileSync(join(folder, '.made-from'), inputs);
}

async function build() {
  const sources = ['apps', 'libs', 'bench', 'test'].filter((name) => existsSync(join(root, name)));
  const inputs = fingerprint(
    [...sources, '.swcrc', 'scripts/prepare.mjs', 'node_modules/@swc/core/package.json'],
    /\.ts$|\.swcrc$|\.json$|prepare\.mjs$/,
  );
  const dist = join(root, 'dist');
  if (isMadeFrom(dist, inputs)) return;
  console.log('Compiling…');
  // Built in a temporary folder and renamed: no stale outputs, and no process loads a partial build. It is beside dist,
  // since source maps name their sources by relative paths.
  const draft = join(root, `.dist-${process.pid}`);
  const former = `${draft}-former`;
  const options = ['-d', draft, '--extensions', '.ts', '--ignore', '**/*.d.ts'];
  try {
    await succeed(['node_modules/@swc/cli/bin/swc.js', ...sources, ...options]);
    writeFileSync(join(draft, '.made-from'), inputs);
    if (existsSync(dist)) renameSync(dist, former);
    renameSync(draft, dist);
  } finally {
    for (const folder of [draft, former]) rmSync(folder, { recursive: true, force: true });
  }
}

function isMadeFrom(folder, inputs) {
  const record = join(folder, '.made-from');
  return existsSync(record) && readFileSync(record, 'utf8') === inputs;
}

/** Hashes names and contents: file times change with every checkout. */
export function fingerprint(paths, only = /./) {
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

/** Shows the output of a Node.js program only when it fails. */
async function succeed(args, env) {
  const { code, output } = await run([process.execPath, ...args], { env });
  if (code === 0) return;
  console.error(output.join('\n').trim());
  fail(`Failed: ${args.join(' ')}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await prepare();
