import { Metrics } from '../observability/metrics.js';
import type { SearchPool } from '../prisma/prisma.service.js';
import type { RateLimits } from './rate-limits.js';
import { Searches } from './searches.js';

const pool = { waitingCount: 0 };
let metrics: Metrics;
let searches: Searches;
beforeEach(() => {
  pool.waitingCount = 0;
  metrics = new Metrics();
  const limits = { take: () => Promise.resolve() } as unknown as RateLimits;
  searches = new Searches(pool as SearchPool, limits, metrics);
});

const refusals = async () =>
  (await metrics.refused.get()).values.map(({ labels, value }) => [labels.budget, value]);

it('two searches of one user run and four wait, while others go on', async () => {
  let running = 0;
  let finish!: () => void;
  const held = new Promise<void>((resolve) => (finish = resolve));
  const search = () => ((running += 1), held);
  const codes = Array.from({ length: 9 }, () =>
    searches.run('anna', search).then(
      () => 'done',
      ({ code }: { code: string }) => code,
    ),
  );
  expect(await Promise.all(codes.slice(6))).toEqual(Array(3).fill('RATE_LIMIT'));
  expect(running).toBe(2);
  expect(await searches.run('boris', () => Promise.resolve('his'))).toBe('his');
  finish();
  expect(await Promise.all(codes.slice(0, 6))).toEqual(Array(6).fill('done'));
  expect(await refusals()).toEqual([['searches of one user', 3]]);
});

it('no search starts while 40 wait for a connection', async () => {
  pool.waitingCount = 40;
  const search = jest.fn(() => Promise.resolve('found'));
  await expect(searches.run('anna', search)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    retryAfterMs: 1000,
  });
  expect(search).not.toHaveBeenCalled();
  expect(await refusals()).toEqual([['searches', 1]]);
  pool.waitingCount = 39;
  expect(await searches.run('anna', search)).toBe('found');
});
