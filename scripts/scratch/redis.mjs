import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Runs `use` with the address of a temporary Redis: TEST_REDIS_URL, or the system's `redis-server` with its own
 * password. The address is undefined when neither exists. Needs a prepared checkout.
 */
export async function withScratchRedis(use) {
  if (process.env.TEST_REDIS_URL) return use(process.env.TEST_REDIS_URL);
  const { default: getPort } = await import('get-port');
  const dir = await mkdtemp(join(tmpdir(), 'service-platform-redis-'));
  const port = await getPort({ host: '127.0.0.1' });
  const password = randomBytes(24).toString('hex');
  const settings = {
    requirepass: password,
    port,
    bind: '127.0.0.1',
    dir,
    save: '""',
    appendonly: 'no',
    'maxmemory-policy': 'noeviction',
    // One database per suite: concurrent suites must not receive each other's messages.
    databases: 1024,
  };
  const redis = spawn('redis-server', ['-'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    // Ctrl-C in a terminal must not end it before its users.
    detached: true,
  });
  // By stdin: every user of this machine could read its arguments.
  redis.stdin.on('error', () => {});
  for (const [name, value] of Object.entries(settings)) redis.stdin.write(`${name} ${value}\n`);
  redis.stdin.end();
  const started = await Promise.race([
    once(redis.stdout, 'data').then(() => true),
    once(redis, 'error').then(
      () => false,
      () => false,
    ),
  ]);
  try {
    return await use(started ? `redis://:${password}@127.0.0.1:${port}` : undefined);
  } finally {
    redis.kill('SIGKILL');
    await rm(dir, { recursive: true, force: true });
  }
}
