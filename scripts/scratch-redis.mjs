import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Runs `use` with the address of a Redis that lives only that long: TEST_REDIS_URL, or one started from the system's
 * `redis-server`. Undefined where there is neither. Needs a prepared checkout.
 */
export async function withScratchRedis(use) {
  if (process.env.TEST_REDIS_URL) return use(process.env.TEST_REDIS_URL);
  const { default: getPort } = await import('get-port');
  const dir = await mkdtemp(join(tmpdir(), 'service-platform-redis-'));
  const port = await getPort({ host: '127.0.0.1' });
  const settings = {
    port,
    bind: '127.0.0.1',
    dir,
    save: '',
    appendonly: 'no',
    'maxmemory-policy': 'noeviction',
    // One for each suite: two that run at once must not hear each other.
    databases: 1024,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const redis = spawn('redis-server', args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    // Ctrl-C in a terminal must not end it before those who use it.
    detached: true,
  });
  const started = await Promise.race([
    once(redis.stdout, 'data').then(() => true),
    once(redis, 'error').then(
      () => false,
      () => false,
    ),
  ]);
  try {
    return await use(started ? `redis://127.0.0.1:${port}` : undefined);
  } finally {
    redis.kill('SIGKILL');
    await rm(dir, { recursive: true, force: true });
  }
}
