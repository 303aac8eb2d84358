import { AppError } from '#contracts';
import { Metrics } from '../observability/metrics.js';
import type { RateLimits } from './rate-limits.js';
import { Reads } from './reads.js';

const LONG = 'x'.repeat(1_000_000);
const next = () => new Promise((resolve) => setImmediate(resolve));

afterEach(() => jest.restoreAllMocks());

it.each<[string, string, number]>([
  ['large', LONG, 0],
  ['slow', 'short', 2000],
])('%s reads wait for each other, and short reads of others do not', async (_, answer, ms) => {
  let now = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  const reads = new Reads({ take: () => Promise.resolve() } as unknown as RateLimits, new Metrics());
  const greedy = Array.from({ length: 5 }, (_, i) => `greedy ${i}`);
  for (let i = 0; i < 2; i++) {
    let answerAll!: () => void;
    const slow = new Promise<void>((resolve) => (answerAll = resolve));
    const work = greedy.map((user) => reads.run(user, async () => (await slow, answer)));
    await next();
    now += ms;
    answerAll();
    await Promise.all(work);
  }
  let running = 0;
  let finish!: () => void;
  const held = new Promise<void>((resolve) => (finish = resolve));
  const work = greedy.map((user) => reads.run(user, async () => ((running += 1), await held, LONG)));
  await next();
  expect(running).toBe(1);
  expect(await reads.run('honest', () => Promise.resolve('short'))).toBe('short');
  finish();
  await Promise.all(work);
  expect(running).toBe(5);
});

it('a user without reads left gets a retry time', async () => {
  const refusal = new AppError('RATE_LIMIT', 'too many', { retryAfterMs: 300 });
  const take = jest.fn((_limit: string, _user: string, points = 1) =>
    points > 1 ? Promise.reject(refusal) : Promise.resolve(),
  );
  const reads = new Reads({ take } as unknown as RateLimits, new Metrics());
  // A read that has started is answered.
  expect(await reads.run('anna', () => Promise.resolve(LONG))).toBe(LONG);
  const waits: number[] = [];
  const again = () => reads.run('anna', () => Promise.resolve('short'));
  while (waits.length < 3) {
    await again().catch(({ code, retryAfterMs }: AppError) =>
      waits.push(code === 'RATE_LIMIT' ? retryAfterMs! : NaN),
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(waits[0]).toBeLessThanOrEqual(300);
  expect(waits[0]).toBeGreaterThan(waits[1]!);
  expect(waits[1]).toBeGreaterThan(waits[2]!);
  await new Promise((resolve) => setTimeout(resolve, 350));
  expect(await again()).toBe('short');
});
