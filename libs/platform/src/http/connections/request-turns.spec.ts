import { BEFORE_SIGN_IN } from '#platform';
import { RequestTurns } from './request-turns.js';

const { atOnce: AT_ONCE, waiting: WAITING } = BEFORE_SIGN_IN.requestStarts.most;
const range = (length: number) => Array.from({ length }, (_, i) => i);
const turn = () => new Promise(setImmediate);

let turns: RequestTurns;
let started: string[];
beforeEach(() => {
  turns = new RequestTurns();
  started = [];
});
const run = (network: string) => {
  const list = started;
  turns.run(network, () => list.push(network));
};

it('starts requests at once while there are few', async () => {
  for (let i = 0; i < 3; i++) {
    range(AT_ONCE).forEach(() => run('10.0.0.1'));
    expect(started).toHaveLength(AT_ONCE);
    started = [];
    await turn();
  }
});

it('starts a few in each turn of the event loop, in their order', async () => {
  range(3 * AT_ONCE).forEach((i) => turns.run('10.0.0.1', () => started.push(String(i))));
  for (let i = 1; i <= 3; i++) {
    expect(started).toEqual(range(i * AT_ONCE).map(String));
    await turn();
  }
});

it('starts a request of another network in the next turn, however many wait', async () => {
  range(1000).forEach(() => run('10.0.0.1'));
  run('10.0.0.2');
  expect(started).not.toContain('10.0.0.2');
  await turn();
  expect(started.indexOf('10.0.0.2')).toBe(AT_ONCE + 1);
  expect(started).toHaveLength(2 * AT_ONCE);
});

it('takes the networks of an IPv6 /48 for one', async () => {
  range(1000).forEach((i) => run(`2001:0db8:0001:${i.toString(16).padStart(4, '0')}`));
  run('10.0.0.2');
  await turn();
  expect(started.indexOf('10.0.0.2')).toBe(AT_ONCE + 1);
});

it('has room for a bounded number, and for those who have few when there is little', async () => {
  const networks = range(4).map((i) => `10.0.0.${i}`);
  let waiting = 0;
  for (let i = 0; waiting < WAITING && i < 2 * WAITING; i++) {
    const network = networks[i % 4]!;
    if (turns.isFull(network)) break;
    run(network);
    waiting = i + 1 - AT_ONCE;
  }
  expect(waiting).toBeGreaterThan(WAITING / 2);
  expect(networks.some((network) => turns.isFull(network))).toBe(true);
  expect(turns.isFull('10.1.0.0')).toBe(false);
  while (started.length < waiting + AT_ONCE) await turn();
  expect(networks.some((network) => turns.isFull(network))).toBe(false);
});
