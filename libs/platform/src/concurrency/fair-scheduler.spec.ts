import { FairScheduler } from './fair-scheduler.js';

const OPTIONS = { light: 10, atOnce: 2, waiting: 3 };
const next = () => new Promise((resolve) => setImmediate(resolve));

const onRefused = jest.fn();
let scheduler: FairScheduler;
beforeEach(() => {
  onRefused.mockClear();
  scheduler = new FairScheduler(OPTIONS, onRefused);
});

/** Starts work, and records whose work has started. */
function begin(...keys: string[]) {
  const begun: string[] = [];
  const ends = keys.map(async (key) => {
    const end = await scheduler.acquire(key);
    begun.push(key);
    return end;
  });
  return { begun, end: async (i: number) => ((await ends[i]!)(), next()) };
}

it('starts a key with little use at once, however many others wait', async () => {
  for (const key of ['anna', 'boris']) scheduler.charge(key, 20);
  const { begun } = begin('anna', 'boris', 'boris', 'vera', 'egor');
  await next();
  expect(begun).toEqual(['anna', 'boris', 'vera', 'egor']);
});

it('shares the places for a key’s parallel work with others', async () => {
  const { begun, end } = begin('anna', 'anna', 'anna', 'anna');
  await next();
  expect(begun).toHaveLength(3);
  await end(1);
  expect(begun).toHaveLength(4);
});

it('serves the waiting key with the least use next', async () => {
  for (const [key, amount] of [
    ['anna', 100],
    ['boris', 50],
    ['vera', 20],
  ] as const)
    scheduler.charge(key, amount);
  const { begun, end } = begin('anna', 'anna', 'anna', 'boris', 'vera');
  await next();
  expect(begun).toEqual(['anna', 'anna']);
  await end(0);
  expect(begun).toEqual(['anna', 'anna', 'vera']);
  scheduler.charge('boris', 100);
  await end(4);
  expect(begun).toEqual(['anna', 'anna', 'vera', 'anna']);
  await end(1);
  expect(begun).toEqual(['anna', 'anna', 'vera', 'anna', 'boris']);
});

it('serves keys with equal use in the order of arrival', async () => {
  scheduler = new FairScheduler({ light: 0, atOnce: 1, waiting: 100 }, onRefused);
  const keys = Array.from({ length: 40 }, (_, i) => `user ${i % 20}`);
  const { begun, end } = begin(...keys);
  await next();
  for (const i of keys.keys()) await end(i);
  expect(begun).toEqual(keys);
});

it('refuses a key behind too many, and none that can start at once', async () => {
  scheduler.charge('anna', 20);
  const { begun, end } = begin(...Array<string>(5).fill('anna'));
  await next();
  await expect(scheduler.acquire('anna')).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: 1000 });
  expect(onRefused).toHaveBeenCalledTimes(1);
  (await scheduler.acquire('boris'))();
  for (const i of [0, 1, 2, 3, 4]) await end(i);
  expect(begun).toHaveLength(5);
  (await scheduler.acquire('anna'))();
});

it('refuses work that waits too long, and gives its place to the next', async () => {
  jest.useFakeTimers();
  try {
    scheduler = new FairScheduler({ light: 0, atOnce: 1, waiting: 4, ms: 300 }, onRefused);
    const end = await scheduler.acquire('anna');
    const early = ['boris', 'boris', 'vera'].map((key) =>
      scheduler.acquire(key).catch((error: unknown) => error),
    );
    await jest.advanceTimersByTimeAsync(200);
    const { begun } = begin('boris');
    await jest.advanceTimersByTimeAsync(100);
    for (const refused of await Promise.all(early))
      expect(refused).toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: 1000 });
    expect(onRefused).toHaveBeenCalledTimes(3);
    expect(begun).toEqual([]);
    end();
    await jest.advanceTimersByTimeAsync(0);
    expect(begun).toEqual(['boris']);
    await jest.advanceTimersByTimeAsync(1000);
    expect(onRefused).toHaveBeenCalledTimes(3);
  } finally {
    jest.useRealTimers();
  }
});

it('passes on the place of slow work, once', async () => {
  jest.useFakeTimers();
  try {
    scheduler.charge('anna', 1000);
    const { begun, end } = begin('anna', 'anna', 'anna', 'anna', 'anna');
    await jest.advanceTimersByTimeAsync(499);
    expect(begun).toHaveLength(2);
    await jest.advanceTimersByTimeAsync(1);
    expect(begun).toHaveLength(4);
    for (const i of [0, 1]) void end(i);
    await jest.advanceTimersByTimeAsync(0);
    expect(begun).toHaveLength(4);
    void end(2);
    await jest.advanceTimersByTimeAsync(0);
    expect(begun).toHaveLength(5);
  } finally {
    jest.useRealTimers();
  }
});

it('has more places when many wait', async () => {
  scheduler = new FairScheduler({ ...OPTIONS, waiting: 100 }, onRefused);
  const keys = Array.from({ length: 60 }, (_, i) => `user ${i}`);
  for (const key of keys) scheduler.charge(key, 20);
  const { begun, end } = begin(...keys);
  await next();
  // Three, as soon as 48 wait.
  expect(begun).toHaveLength(3);
  await end(0);
  expect(begun).toHaveLength(4);
  for (let i = 1; i < 60; i++) await end(i);
  expect(begun).toHaveLength(60);
});

it('gives an additional place to the key with the least use, not to the next one', async () => {
  scheduler = new FairScheduler({ ...OPTIONS, atOnce: 1, waiting: 100 }, onRefused);
  scheduler.charge('little', 20);
  for (let i = 0; i < 40; i++) scheduler.charge(`user ${i}`, 40);
  const { begun } = begin('user 0', 'little', ...Array.from({ length: 31 }, (_, i) => `user ${i + 1}`));
  await next();
  expect(begun).toEqual(['user 0', 'little']);
});

it('halves the recorded use every five seconds', async () => {
  jest.useFakeTimers();
  try {
    scheduler.charge('anna', 1000);
    await scheduler.acquire('anna');
    await scheduler.acquire('anna');
    for (const key of ['boris', 'vera']) scheduler.charge(key, 19);
    const waiting = begin('boris');
    await jest.advanceTimersByTimeAsync(400);
    expect(waiting.begun).toEqual([]);
    await jest.advanceTimersByTimeAsync(4600);
    for (let i = 0; i < 2; i++) await scheduler.acquire('anna');
    (await scheduler.acquire('vera'))();
  } finally {
    jest.useRealTimers();
  }
});
