import { StartupError, logger, reachRedis } from '#platform';
import { describeWithRedis } from '#testing';
import { createServer } from 'node:net';
import { RedisServer } from './redis-server.js';

describeWithRedis('the start', () => {
  const warn = jest.spyOn(logger, 'warn').mockImplementation(() => undefined);
  afterEach(() => warn.mockClear());
  const refusal = async (url: string) =>
    (await reachRedis(url).catch((error: unknown) => error)) as StartupError;

  it('fails with one line when Redis is unreachable, stalled or protected by a password', async () => {
    const mute = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
    const guarded = await RedisServer.start('--requirepass', 'secret');
    const { port } = mute.address() as { port: number };
    const received = await Promise.all(
      ['redis://127.0.0.1:1', `redis://127.0.0.1:${port}`, guarded.url].map((url) => refusal(url)),
    );
    for (const error of received) expect(error).toBeInstanceOf(StartupError);
    expect(received.map(({ message }) => message.split('\n'))).toEqual([
      ['REDIS_URL: cannot connect to 127.0.0.1:1 (ECONNREFUSED)'],
      [`REDIS_URL: cannot connect to 127.0.0.1:${port} (Command timed out)`],
      [expect.stringMatching(/^REDIS_URL: cannot connect to 127\.0\.0\.1:\d+ \(NOAUTH /)],
    ]);
    mute.close();
    await guarded.stop();
  });

  it('fails when Redis is full', async () => {
    const redis = await RedisServer.start('--maxmemory', '1', '--maxmemory-policy', 'noeviction');
    const { host } = new URL(redis.url);
    const error = await refusal(redis.url);
    expect(error).toBeInstanceOf(StartupError);
    expect(error.message).toMatch(`REDIS_URL: ${host} refuses writes (OOM command not allowed`);
    await redis.stop();
  });

  it('waits for a Redis that is still starting', async () => {
    const redis = await RedisServer.start();
    await redis.stop();
    const reached = reachRedis(redis.url);
    await redis.restart();
    await reached;
    expect(warn).not.toHaveBeenCalled();
    await redis.stop();
  });

  it('logs once that Redis may evict jobs', async () => {
    const redis = await RedisServer.start('--maxmemory-policy', 'allkeys-lru');
    await reachRedis(redis.url);
    expect(warn.mock.calls).toEqual([[{ policy: 'allkeys-lru' }, expect.stringContaining('noeviction')]]);
    await redis.stop();
  });
});
