/** npm run check: all static checks. All steps run, and all failures are reported. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { proseFaults } from './check-prose.mjs';
import { LIMITS_PAGE, limitsPage } from './limits/page.mjs';
import { prepare, root } from './prepare.mjs';
import { withScratchPostgres } from './scratch/postgres.mjs';

const code = ['apps', 'libs', 'test', 'bench'].filter((name) => existsSync(join(root, name)));

const steps = {
  lint: () => node('eslint/bin/eslint.js', '--max-warnings=0', '.'),
  'format (npm run format)': () => node('prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'),
  types: () => node('typescript/bin/tsc', '--noEmit'),
  'imports (.dependency-cruiser.cjs)': () =>
    node('dependency-cruiser/bin/dependency-cruise.mjs', '--config', '.dependency-cruiser.cjs', ...code),
  'docker-compose.yml': () =>
    node('dclint/bin/dclint.cjs', '--max-warnings=0', '--config=.dclintrc.yml', 'docker-compose.yml'),
  Dockerfile: () => node('dockerfile-utils/bin/dockerfile-utils', 'lint', 'Dockerfile'),
  'migrations (npm run db:migration <name>)': migrationDrift,
  'docs/limits.md (npm run docs:limits)': limitsDrift,
  'prose (scripts/check-prose.mjs)': proseFaults,
};

await prepare();
let failures = 0;
const left = Object.entries(steps).values();
// The first step takes as long as all others together.
await Promise.all([work(), work()]);
process.exitCode = failures ? 1 : 0;

async function work() {
  for (const [name, step] of left) {
    const started = performance.now();
    const problem = await step().catch((error) => error.message);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${problem ? '✗' : '✓'} ${name}  ${seconds} s`);
    if (problem) console.log(`${problem.replace(/^/gm, '    ')}\n`);
    if (problem) failures += 1;
  }
}

/** The output of a failed tool; empty when it succeeds. */
function node(tool, ...args) {
  const child = spawn(process.execPath, [join('node_modules', tool), ...args], { cwd: root });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  return new Promise((done, reject) => {
    child.once('error', reject);
    child.once('close', (code) => done(code === 0 ? '' : output.trim() || `exit code ${code}`));
  });
}

/** The SQL that the schema needs and no migration contains. */
async function migrationDrift() {
  const { diffSchema } = await import('../dist/libs/platform/src/database/migrations/diff-schema.js');
  return withScratchPostgres(diffSchema);
}

async function limitsDrift() {
  const isTrue = (await readFile(LIMITS_PAGE, 'utf8')) === (await limitsPage());
  return isTrue ? '' : 'The page differs from libs/platform/src/limits/budgets.';
}
