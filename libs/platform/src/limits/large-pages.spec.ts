import { Metrics } from '../observability/metrics.js';
import { LargePages } from './large-pages.js';
import { PAGE_BYTES } from '../database/page.js';

const SMALL = 64 * 1024;
let large: LargePages;
beforeEach(() => {
  large = new LargePages({ refuse: () => undefined } as unknown as Metrics);
});
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Reads a page of this many bytes. `began` is the start of the whole read. */
function read(reader: string, bytes: number, ms = 0) {
  const asked: number[] = [];
  const times = { began: 0, ended: 0 };
  const whole = large.read(
    reader,
    async (most) => {
      asked.push(most);
      if (most === SMALL) return Math.min(bytes, SMALL + 1);
      times.began = performance.now();
      await pause(ms);
      times.ended = performance.now();
      return bytes;
    },
    (got) => got,
  );
  return { whole, asked, times };
}

it('a small page is read once', async () => {
  const { whole, asked } = read('anna', SMALL);
  await expect(whole).resolves.toBe(SMALL);
  expect(asked).toEqual([SMALL]);
});

it('a large page is read whole', async () => {
  const { whole, asked } = read('anna', 500_000);
  await expect(whole).resolves.toBe(500_000);
  expect(asked).toEqual([SMALL, PAGE_BYTES]);
});

it('after a large page the process has as much time for others as the page took', async () => {
  const [first, second] = [read('anna', 500_000, 100), read('boris', 500_000)];
  await Promise.all([first.whole, second.whole]);
  const took = first.times.ended - first.times.began;
  // A timer may fire a millisecond early.
  expect(second.times.began - first.times.ended).toBeGreaterThanOrEqual(took - 2);
});

it('small pages do not wait for large ones', async () => {
  const { whole, times } = read('anna', 500_000, 50);
  await read('boris', 10).whole;
  expect(times.ended).toBe(0);
  await whole;
});
