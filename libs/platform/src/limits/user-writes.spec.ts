import { Metrics } from '../observability/metrics.js';
import { UserWrites } from './user-writes.js';

const next = () => new Promise((resolve) => setImmediate(resolve));

afterEach(() => jest.restoreAllMocks());

it('many users with slow writes share four places, and a write of another user starts at once', async () => {
  let now = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  const writes = new UserWrites(new Metrics());
  const greedy = Array.from({ length: 20 }, (_, i) => `greedy ${i}`);
  const hold = () => {
    let running = 0;
    let finish!: () => void;
    const held = new Promise<void>((resolve) => (finish = resolve));
    const write = async () => {
      running += 1;
      await held;
    };
    return { write, finish, running: () => running };
  };
  const first = hold();
  const begun = greedy.map((user) => writes.run(user, first.write));
  await next();
  expect(first.running()).toBe(20);
  now += 5000;
  first.finish();
  await Promise.all(begun);
  const second = hold();
  const all = greedy
    .slice(0, 10)
    .flatMap((user) => Array.from({ length: 4 }, () => writes.run(user, second.write)));
  await next();
  expect(second.running()).toBe(4);
  expect(await writes.run('honest', () => Promise.resolve('stored'))).toBe('stored');
  second.finish();
  await Promise.all(all);
  expect(second.running()).toBe(40);
});
