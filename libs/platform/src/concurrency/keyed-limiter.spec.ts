import { KeyedLimiter } from './keyed-limiter.js';

const next = () => new Promise((resolve) => setImmediate(resolve));

it('heavy work takes the places of several light pieces, in order', async () => {
  const limiter = new KeyedLimiter({ atOnce: 4, waiting: 10 }, () => undefined);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const weights = [1, 3, 1, 5, 1, 1];
  const done = weights.map(async (weight, i) => {
    await limiter.acquire('anna', weight);
    begun.push(i);
    await new Promise<void>((end) => (ends[i] = end));
    limiter.release('anna', weight);
  });
  await next();
  expect(begun).toEqual([0, 1]);
  ends[1]!();
  await next();
  expect(begun).toEqual([0, 1, 2, 3]);
  for (const i of [0, 2]) ends[i]!();
  await next();
  expect(begun).toHaveLength(4);
  ends[3]!();
  await next();
  expect(begun).toEqual([0, 1, 2, 3, 4, 5]);
  for (const i of [4, 5]) ends[i]!();
  await Promise.all(done);
});
