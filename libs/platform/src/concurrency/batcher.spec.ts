import { Batcher } from './batcher.js';

const OPTIONS = { maxBatch: 100, maxQueued: 1000, onRefused: () => undefined };
/** A flush that runs until the test ends it, and the items it got. */
function held() {
  const batches: number[][] = [];
  const ends: (() => void)[] = [];
  const flush = async (items: number[]) => {
    batches.push(items);
    await new Promise<void>((resolve) => ends.push(resolve));
    return items.map((item) => item * 10);
  };
  return { batches, flush, end: () => ends.shift()!() };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

it('flushes at once when idle, and collects items while a flush runs', async () => {
  const { batches, flush, end } = held();
  const batcher = new Batcher(flush, OPTIONS);
  const results = [1, 2, 3].map((item) => batcher.add(item));
  expect(batches).toEqual([[1]]);
  await turn();
  results.push(batcher.add(4));
  expect(batches).toEqual([[1]]);
  end();
  await turn();
  expect(batches).toEqual([[1], [2, 3, 4]]);
  end();
  expect(await Promise.all(results)).toEqual([10, 20, 30, 40]);
  void batcher.add(5);
  expect(batches).toHaveLength(3);
  end();
  await batcher.drain();
});

it('keeps the order, and flushes one after the other, `maxBatch` at a time', async () => {
  const order: number[] = [];
  let running = 0;
  const flush = async (items: number[]) => {
    expect(++running).toBe(1);
    expect(items.length).toBeLessThanOrEqual(7);
    await turn();
    order.push(...items);
    running--;
    return items;
  };
  const batcher = new Batcher(flush, { ...OPTIONS, maxBatch: 7 });
  const items = Array.from({ length: 50 }, (_, i) => i);
  expect(await Promise.all(items.map((item) => batcher.add(item)))).toEqual(items);
  expect(order).toEqual(items);
});

it('splits large items over several flushes, at least one in each', async () => {
  const { batches, flush, end } = held();
  const batcher = new Batcher(flush, { ...OPTIONS, maxBatchSize: 10, sizeOf: (item) => item });
  const results = [1, 4, 6, 1, 12, 2].map((item) => batcher.add(item));
  for (let i = 0; i < 5; i++) {
    await turn();
    end();
  }
  expect(await Promise.all(results)).toEqual([10, 40, 60, 10, 120, 20]);
  expect(batches).toEqual([[1], [4, 6], [1], [12], [2]]);
});

it('refuses an item that would make waiting and running items too large', async () => {
  const { flush, end } = held();
  const onRefused = jest.fn();
  const batcher = new Batcher(flush, { ...OPTIONS, maxSize: 10, sizeOf: (item) => item, onRefused });
  const results = [4, 5].map((item) => batcher.add(item));
  await expect(batcher.add(2)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(onRefused).toHaveBeenCalledTimes(1);
  results.push(batcher.add(1));
  end();
  await turn();
  const more = batcher.add(4);
  end();
  expect(await Promise.all(results)).toEqual([40, 50, 10]);
  end();
  await more;
  const all = batcher.add(10);
  await expect(batcher.add(1)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  end();
  await all;
});

it('flushes an item that must be alone by itself, in order', async () => {
  const batches: number[][] = [];
  const flush = async (items: number[]) => {
    batches.push(items);
    await turn();
    return items;
  };
  const batcher = new Batcher(flush, { ...OPTIONS, maxBatch: 3, alone: (item) => item >= 10 });
  await Promise.all([1, 2, 10, 11, 3, 4, 5, 6, 12].map((item) => batcher.add(item)));
  expect(batches).toEqual([[1], [2], [10], [11], [3, 4, 5], [6], [12]]);
});

it('gives the error of one item to that item alone, and an error of the flush to all', async () => {
  let broken = false;
  const batcher = new Batcher<number, number>(async (items) => {
    await turn();
    if (broken) throw new Error('all');
    return items.map((item) => (item % 2 ? new Error(`no ${item}`) : item));
  }, OPTIONS);
  const settled = await Promise.allSettled([0, 1, 2, 3].map((item) => batcher.add(item)));
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
  broken = true;
  const failed = await Promise.allSettled([0, 1, 2].map((item) => batcher.add(item)));
  expect(failed.map((result) => (result as PromiseRejectedResult).reason.message)).toEqual([
    'all',
    'all',
    'all',
  ]);
  broken = false;
  expect(await batcher.add(4)).toBe(4);
});

it('accepts a flush that throws synchronously', async () => {
  const batcher = new Batcher<number, number>(() => {
    throw new Error('at once');
  }, OPTIONS);
  await expect(batcher.add(1)).rejects.toThrow('at once');
  await expect(batcher.add(2)).rejects.toThrow('at once');
});

it('refuses items beyond the limit with UNAVAILABLE, and goes on with the rest', async () => {
  const { flush, end } = held();
  const batcher = new Batcher(flush, { ...OPTIONS, maxBatch: 10, maxQueued: 3 });
  const taken = [1, 2, 3, 4].map((item) => batcher.add(item));
  await expect(batcher.add(5)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  end();
  await turn();
  end();
  expect(await Promise.all(taken)).toEqual([10, 20, 30, 40]);
});

it('starts flushes `intervalMs` apart, the first one at once', async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate'] });
  try {
    const starts: number[] = [];
    const since = performance.now();
    const flush = (items: number[]) => {
      starts.push(performance.now() - since);
      return Promise.resolve(items);
    };
    const batcher = new Batcher(flush, { ...OPTIONS, intervalMs: 250 });
    await batcher.add(1);
    const later = [batcher.add(2), batcher.add(3)];
    await jest.advanceTimersByTimeAsync(249);
    expect(starts).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(2);
    expect(await Promise.all(later)).toEqual([2, 3]);
    expect(starts).toHaveLength(2);
    await jest.advanceTimersByTimeAsync(1000);
    const alone = batcher.add(4);
    expect(starts).toHaveLength(3);
    await alone;
  } finally {
    jest.useRealTimers();
  }
});

it('drains without the pauses between flushes', async () => {
  const batches: number[][] = [];
  const flush = (items: number[]) => Promise.resolve(items.map((item) => (batches.push([item]), item)));
  const batcher = new Batcher(flush, { ...OPTIONS, maxBatch: 1, intervalMs: 60_000 });
  const added = [1, 2, 3].map((item) => batcher.add(item));
  await added[0];
  await turn();
  await batcher.drain();
  expect(await Promise.all(added)).toEqual([1, 2, 3]);
  expect(batches).toEqual([[1], [2], [3]]);
});

it('drains everything that was added, also meanwhile', async () => {
  const flushed: number[] = [];
  const batcher: Batcher<number, number> = new Batcher(async (items) => {
    await turn();
    flushed.push(...items);
    if (flushed.length === 2) void batcher.add(3);
    return items;
  }, OPTIONS);
  void batcher.add(1);
  void batcher.add(2);
  await batcher.drain();
  expect(flushed).toEqual([1, 2, 3]);
  await batcher.drain();
});

it('fails waiting items at once when the database is unavailable', async () => {
  let flushes = 0;
  const batcher = new Batcher<number, number>(async () => {
    flushes++;
    await new Promise((resolve) => setImmediate(resolve));
    throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
  }, OPTIONS);
  const answers = await Promise.allSettled([1, 2, 3, 4, 5].map((item) => batcher.add(item)));
  expect(answers.map(({ status }) => status)).toEqual(Array(5).fill('rejected'));
  expect(flushes).toBe(1);
});
