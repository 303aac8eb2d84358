import { Config } from '../config/config.js';
import { networkOf } from '../http/client-address.js';
import { Metrics } from '../observability/metrics.js';
import { RateLimits } from './rate-limits.js';
import type { RedisConnections } from '../redis/redis.js';

let limits: RateLimits;
beforeEach(() => (limits = new RateLimits(new Config(), {} as RedisConnections, new Metrics())));

/** How many requests of these addresses, in turn, are granted. */
async function granted(times: number, address: (i: number) => string): Promise<number> {
  let done = 0;
  const codes = new Set<string>();
  for (let i = 0; i < times; i++)
    await limits.takeOf('registration', networkOf(address(i))).then(
      () => (done += 1),
      ({ code }: { code: string }) => codes.add(code),
    );
  expect([...codes]).toEqual(done < times ? ['RATE_LIMIT'] : []);
  return done;
}

it.each<[what: string, most: number, address: (i: number) => string]>([
  ['an IPv4 address', 30, () => '203.0.113.7'],
  ['a /64', 30, (i) => `2001:db8::${i.toString(16)}`],
  ['a /56', 120, (i) => `2001:db8:0:${(i % 256).toString(16)}::1`],
  ['a /48', 480, (i) => `2001:db8:0:${(i % 65_536).toString(16)}::1`],
  ['a /48, by each /56 in turn', 480, (i) => `2001:db8:0:${((i % 256) << 8).toString(16)}::1`],
])('%s has %d per hour, separate from others', async (_, most, address) => {
  expect(await granted(1000, address)).toBe(most);
  expect(await granted(40, () => '2001:db9::1')).toBe(30);
});

it('refused requests of an address cost its neighbours nothing', async () => {
  expect(await granted(10_000, () => '2001:db8::1')).toBe(30);
  expect(await granted(100, () => '2001:db8:0:1::1')).toBe(30);
});

it('a returned request is returned to all networks around it', async () => {
  expect(await granted(120, (i) => `2001:db8:0:${i.toString(16)}::1`)).toBe(120);
  await limits.giveBackTo('registration', networkOf('2001:db8::1'));
  expect(await granted(2, () => '2001:db8:0:f0::1')).toBe(1);
});

describe('a clock that is set', () => {
  afterEach(() => jest.restoreAllMocks());

  it.each([
    ['back', -3_600_000],
    ['forward', 3_600_000],
  ])('%s neither lengthens nor ends a window', async (_, ms) => {
    const WINDOW_MS = 10_000;
    let now = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => now);
    const refusal = () =>
      limits.take('connect', 'anna').then(
        () => undefined,
        ({ retryAfterMs }: { retryAfterMs: number }) => retryAfterMs,
      );
    await limits.take('connect', 'anna', 1_000_000);
    const before = Date.now();
    jest.spyOn(Date, 'now').mockImplementation(() => before + ms);
    now = 4000;
    expect(await refusal()).toBe(WINDOW_MS - 4000);
    now = WINDOW_MS;
    expect(await refusal()).toBeUndefined();
  });
});
