import { Deadlines } from './deadlines.js';

const ended: string[] = [];
const soon = (ms: number) => new Date(Date.now() + ms);
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
afterEach(() => {
  ended.length = 0;
  jest.useRealTimers();
});

it('ends items with the same deadline together, and each at its own time', async () => {
  const deadlines = new Deadlines<string>((item) => ended.push(item));
  const first = soon(50);
  deadlines.set('a', first);
  deadlines.set('b', new Date(first));
  deadlines.set('c', soon(150));
  await wait(100);
  expect(ended).toEqual(['a', 'b']);
  await wait(100);
  expect(ended).toEqual(['a', 'b', 'c']);
});

it('uses the latest deadline of each item, and forgets deleted ones', async () => {
  const deadlines = new Deadlines<string>((item) => ended.push(item));
  const first = soon(30);
  for (const item of ['a', 'b', 'c']) deadlines.set(item, first);
  deadlines.set('b', soon(130));
  deadlines.delete('c');
  deadlines.delete('never there');
  await wait(80);
  expect(ended).toEqual(['a']);
  await wait(100);
  expect(ended).toEqual(['a', 'b']);
});

it('ends a late item at once, and may delete others while it does', async () => {
  const deadlines: Deadlines<string> = new Deadlines<string>((item) => {
    ended.push(item);
    deadlines.delete('b');
  });
  const past = soon(-1000);
  deadlines.set('a', past);
  deadlines.set('b', past);
  await wait(50);
  expect(ended).toEqual(['a']);
});

it('notices a clock that was set forward', () => {
  jest.useFakeTimers();
  const deadlines = new Deadlines<string>((item) => ended.push(item));
  deadlines.set('a', soon(3_600_000));
  jest.advanceTimersByTime(10_000);
  expect(ended).toEqual([]);
  jest.setSystemTime(Date.now() + 3_600_000);
  jest.advanceTimersByTime(10_010);
  expect(ended).toEqual(['a']);
});
