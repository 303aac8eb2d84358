import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Runs `use` with the address of a Redis that lives only that long: TEST_REDIS_URL, or one started from the system's
 * `redis-server` with a password of its own. Undefined where there is neither. Needs a prepared checkout.
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
    // One for each suite: two that run at once must not hear each other.
    databases: 1024,
  };
  const redis = spawn('redis-server', ['-'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    // Ctrl-C in a terminal must not end it before those who use it.
    detached: true,
  });
  // Its arguments could be read by every user of this machine.
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
