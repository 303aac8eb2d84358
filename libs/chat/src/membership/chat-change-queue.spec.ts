import { AppError } from '#contracts';
import type { Metrics } from '#platform';
import { ChatChangeQueue } from './chat-change-queue.js';
import { WriteMutex } from '../messages/write-mutex.js';

/** The refusals that the metric has counted. */
const refused: object[] = [];
const metrics = {
  refuse: ({ refused: budget }: { refused: string }) => refused.push({ budget }),
} as unknown as Metrics;
beforeEach(() => {
  refused.length = 0;
});

/** A change that runs until the test ends it. */
function held() {
  let letGo!: () => void;
  let fail!: (error: Error) => void;
  const done = new Promise<string>((resolve, reject) => {
    letGo = () => resolve('done');
    fail = reject;
  });
  return { change: () => done, letGo, fail };
}
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: AppError) => error.code,
  );

it('runs the changes of a chat one after the other, in order, and those of other chats meanwhile', async () => {
  const queue = new ChatChangeQueue(new WriteMutex(metrics), metrics);
  const first = held();
  const order: string[] = [];
  const all = Promise.all([
    queue.run('a', () => first.change().then(() => order.push('first'))),
    queue.run('a', async () => order.push('second')),
    queue.run('a', async () => order.push('third')),
  ]);
  await queue.run('b', async () => order.push('other chat'));
  expect(order).toEqual(['other chat']);
  first.letGo();
  await all;
  expect(order).toEqual(['other chat', 'first', 'second', 'third']);
});

it('goes on after a failed change', async () => {
  const queue = new ChatChangeQueue(new WriteMutex(metrics), metrics);
  const refused = queue.run('a', () => Promise.reject(new AppError('FORBIDDEN', 'no')));
  const next = queue.run('a', () => Promise.resolve(1));
  expect(await codeOf(refused)).toBe('FORBIDDEN');
  expect(await next).toBe(1);
});

it('lets a thousand changes wait for a chat, and refuses more', async () => {
  const queue = new ChatChangeQueue(new WriteMutex(metrics), metrics);
  const first = held();
  const codes = Array.from({ length: 1002 }, () => codeOf(queue.run('a', first.change)));
  expect(await codes[1001]).toBe('UNAVAILABLE');
  expect(refused).toEqual([{ budget: 'chat_changes' }]);
  expect(await queue.run('b', () => Promise.resolve(1))).toBe(1);
  first.letGo();
  expect(new Set(await Promise.all(codes.slice(0, 1001)))).toEqual(new Set(['done']));
});

it('fails waiting changes at once when the database is unavailable', async () => {
  const queue = new ChatChangeQueue(new WriteMutex(metrics), metrics);
  const first = held();
  let asked = false;
  const codes = [codeOf(queue.run('a', first.change)), codeOf(queue.run('a', async () => (asked = true)))];
  first.fail(Object.assign(new Error('away'), { code: 'ECONNREFUSED' }));
  expect(await Promise.all(codes)).toEqual(['ECONNREFUSED', 'ECONNREFUSED']);
  expect(asked).toBe(false);
});
