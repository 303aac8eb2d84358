import { AppError } from '#contracts';
import { KeyedQueue } from './keyed-queue.js';

/** Work that runs until the test ends it. */
function held() {
  let letGo!: () => void;
  let fail!: (error: Error) => void;
  const done = new Promise<string>((resolve, reject) => {
    letGo = () => resolve('done');
    fail = reject;
  });
  return { work: () => done, letGo, fail };
}
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: AppError) => error.code,
  );
const outage = () => Object.assign(new Error('away'), { code: 'ECONNREFUSED' });

it('runs the work of a key one after the other, in order, and that of other keys meanwhile', async () => {
  const queue = new KeyedQueue();
  const first = held();
  const order: string[] = [];
  const all = Promise.all([
    queue.run('a', () => first.work().then(() => order.push('first'))),
    queue.run('a', async () => order.push('second')),
    queue.run('a', async () => order.push('third')),
  ]);
  await queue.run('b', async () => order.push('other key'));
  expect(order).toEqual(['other key']);
  first.letGo();
  await all;
  expect(order).toEqual(['other key', 'first', 'second', 'third']);
});

it('goes on after a failure, also after work that throws at once', async () => {
  const queue = new KeyedQueue({ sharesOutage: true });
  const refused = queue.run('a', () => Promise.reject(new AppError('FORBIDDEN', 'no')));
  const thrown = queue.run('a', () => {
    throw new AppError('CONFLICT', 'no');
  });
  const next = queue.run('a', () => Promise.resolve(1));
  expect(await Promise.all([codeOf(refused), codeOf(thrown)])).toEqual(['FORBIDDEN', 'CONFLICT']);
  expect(await next).toBe(1);
});

it('lets a limited number wait behind the one that runs, and refuses more', async () => {
  const onRefused = jest.fn();
  const queue = new KeyedQueue({ maxWaiting: 2, onRefused });
  const first = held();
  const codes = Array.from({ length: 4 }, () => codeOf(queue.run('a', first.work)));
  expect(await codes[3]).toBe('UNAVAILABLE');
  expect(onRefused).toHaveBeenCalledTimes(1);
  expect(await queue.run('b', () => Promise.resolve(1))).toBe(1);
  first.letGo();
  expect(await Promise.all(codes.slice(0, 3))).toEqual(['done', 'done', 'done']);
  expect(await queue.run('a', () => Promise.resolve(1))).toBe(1);
});

it('fails waiting work at once when the database is unavailable, and tries later work again', async () => {
  const queue = new KeyedQueue({ sharesOutage: true });
  const first = held();
  const work = jest.fn();
  const codes = [codeOf(queue.run('a', first.work)), codeOf(queue.run('a', work))];
  first.fail(outage());
  expect(await Promise.all(codes)).toEqual(['ECONNREFUSED', 'ECONNREFUSED']);
  expect(work).not.toHaveBeenCalled();
  expect(await queue.run('a', () => Promise.resolve(1))).toBe(1);
});

it('runs waiting work after an outage if it does not share it', async () => {
  const queue = new KeyedQueue();
  const first = codeOf(queue.run('a', () => Promise.reject(outage())));
  expect(await queue.run('a', () => Promise.resolve(1))).toBe(1);
  expect(await first).toBe('ECONNREFUSED');
});

it('is idle when all work has ended, also work that was added meanwhile', async () => {
  const queue = new KeyedQueue();
  const [first, second] = [held(), held()];
  const work = queue.run('a', first.work).then(() => queue.run('a', second.work));
  let isIdle = false;
  const idle = queue.idle().then(() => (isIdle = true));
  first.letGo();
  await new Promise(setImmediate);
  expect([queue.has('a'), isIdle]).toEqual([true, false]);
  second.letGo();
  await Promise.all([work, idle]);
  expect(queue.has('a')).toBe(false);
});
