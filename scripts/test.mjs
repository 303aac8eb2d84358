/**
 * npm test [arguments of Jest]: runs tests on a temporary PostgreSQL and, where available, Redis. With
 * TEST_SIZE=cluster, each tested app runs as a node of a cluster, over Redis. With TEST_SIZE=unit, or when only
 * `.spec.ts` files are named, it starts no database.
 */
import { spawn } from 'node:child_process';
import { prepare, root } from './prepare.mjs';
import { withTemplateDatabase } from './scratch/postgres.mjs';
import { withScratchRedis } from './scratch/redis.mjs';

const args = process.argv.slice(2);
const named = args.filter((arg, i) => !arg.startsWith('-') && !/^(-t|--testNamePattern)$/.test(args[i - 1]));
const isUnit =
  process.env.TEST_SIZE === 'unit' || (named.length > 0 && named.every((name) => name.endsWith('.spec.ts')));

await prepare();

// Ctrl-C also reaches Jest; this process stays alive to clean up.
let jest;
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    interrupted = true;
    jest?.kill(signal);
  });
}

process.exitCode = await (isUnit ? runJest() : runWithDatabases());

function runWithDatabases() {
  return withTemplateDatabase((url, template) =>
    withScratchRedis((redis) => {
      if (!redis) console.log('There is no redis-server here: the tests of several nodes are left out.');
      const environment = { TEST_DATABASE_URL: url, TEST_TEMPLATE_DATABASE: template };
      return runJest({ ...environment, ...(redis && { TEST_REDIS_URL: redis }) });
    }),
  );
}

function runJest(environment = {}) {
  if (interrupted) return 130;
  jest = spawn(process.execPath, ['node_modules/jest/bin/jest.js', '--config=jest.config.mjs', ...args], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      ...environment,
      // Jest loads ES modules by an API that Node calls experimental, with a warning each time.
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules --disable-warning=ExperimentalWarning --enable-source-maps`,
    },
  });
  return new Promise((done) => jest.once('error', () => done(1)).once('exit', (code) => done(code ?? 1)));
}
