import { Config, Metrics, RedisConnections, logger } from '#platform';
import { describeWithRedis, emptyRedis, until } from '#testing';
import { Redis } from 'ioredis';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OutgoingEvent } from '../hub/outgoing-event.js';
import type { ClusterCommand } from './command.js';
import { RedisStreamBroker } from './redis-stream-broker.js';
import { toWire } from './wire.js';

/** The interval of the check for dead nodes, ms. */
const LOOK_MS = 2500;
const STREAM = 'service-platform:nodes';
const said = (number: number): ClusterCommand => ({
  name: 'deliver',
  delivery: { event: { name: 'said' as OutgoingEvent['name'], payload: number }, topics: [] },
});
const numberIn = (command: ClusterCommand) =>
  command.name === 'deliver' ? (command.delivery.event.payload as number) : NaN;

describeWithRedis('a message of another process', () => {
  let connections: RedisConnections;
  let redis: Redis;
  let nodes: RedisStreamBroker;
  let received: number[];
  let missed: number;
  let dead: string[];
  let handle: (command: ClusterCommand) => void;
  beforeEach(async () => {
    logger.level = 'silent';
    connections = new RedisConnections(Object.assign(new Config(), { REDIS_URL: await emptyRedis() }));
    redis = connections.shared!;
    [received, missed, dead] = [[], 0, []];
    handle = (command) => received.push(numberIn(command));
    nodes = new RedisStreamBroker(
      connections,
      new Metrics(),
      {
        id: randomUUID(),
        dead: async (ids) => ids.filter((id) => dead.includes(id)),
        all: async () => ['silent'],
      },
      { handle: (command) => handle(command), onMissed: () => (missed += 1) },
    );
    await nodes.ready({ reads: true });
  });
  afterEach(() => {
    nodes.close();
    connections.onApplicationShutdown();
  });

  const send = (from: string, n: number, command?: ClusterCommand) =>
    redis.xadd(STREAM, '*', 'told', JSON.stringify({ from, n, deed: command && toWire(command) }));
  /** Waits until all earlier messages have been received. */
  const settled = async () => {
    await send('last', 1, said(-1));
    while (received.at(-1) !== -1) await new Promise(setImmediate);
    return received.slice(0, -1);
  };

  it('is handled in pieces, with other work between them', async () => {
    let turn = 0;
    let isOver = false;
    const count = () => {
      turn += 1;
      if (!isOver) setImmediate(count);
    };
    count();
    const turns: number[] = [];
    handle = (command) => (turns.push(turn), received.push(numberIn(command)));
    let now = 0;
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => (now += 10));
    const all = redis.multi();
    for (let n = 1; n <= 5; n++)
      all.xadd(STREAM, '*', 'told', JSON.stringify({ from: 'other', n, deed: toWire(said(n)) }));
    await all.exec();
    expect(await settled()).toEqual([1, 2, 3, 4, 5]);
    isOver = true;
    clock.mockRestore();
    expect(new Set(turns).size).toBe(turns.length);
  });

  it('is handled once, however often the stream has it', async () => {
    for (const n of [7, 8, 7, 8, 9]) await send('other', n, said(n));
    await send('another', 7, said(70));
    expect(await settled()).toEqual([7, 8, 9, 70]);
    expect(missed).toBe(0);
  });

  it('counts as lost when it cannot be applied, and later ones are handled', async () => {
    const deed = { name: 'broadcast', rooms: [] };
    await redis.xadd(STREAM, '*', 'told', JSON.stringify({ from: 'other', n: 1, deed }));
    await send('other', 2, said(2));
    expect(await settled()).toEqual([2]);
    expect(missed).toBe(1);
  });

  it('counts as lost when a number of its process is missing, and later ones are handled', async () => {
    for (const n of [1, 2, 4]) await send('other', n, said(n));
    expect(await settled()).toEqual([1, 2, 4]);
    expect(missed).toBe(1);
  });

  it('counts as lost at once, and all losses of the next 5 s as one more, with the reasons in the log', async () => {
    const warn = jest.spyOn(logger, 'warn');
    await send('new', 5);
    for (let n = 1; n < 100; n += 2) await send('other', n, said(n));
    for (let n = 6; n < 50; n++) await send('new', n);
    await settled();
    expect(missed).toBe(1);
    await until('the second loss', () => missed > 1);
    // Connections that other tests close may log warnings, too.
    const reasons = warn.mock.calls.flatMap(([about]) => {
      const { reasons } = about as { reasons?: string[] };
      return reasons ? [reasons] : [];
    });
    expect(reasons).toEqual([
      ['a node dropped commands'],
      ['commands of a node are missing', 'a node dropped commands'],
    ]);
    jest.restoreAllMocks();
  }, 20_000);

  it('counts as lost when a process reports a failed publish, also an unknown process', async () => {
    await send('new', 1);
    await send('other', 5);
    await settled();
    expect(missed).toBe(1);
  });

  it('counts as lost once when known processes die, but not when one stops', async () => {
    for (const from of ['killed', 'killed too', 'stopped', 'living']) await send(from, 1, said(1));
    await redis.xadd(STREAM, '*', 'told', JSON.stringify({ from: 'stopped', n: 2, leaves: true }));
    await settled();
    dead = ['killed', 'killed too', 'stopped'];
    await until('a loss', () => missed > 0);
    await sleep(LOOK_MS);
    expect(missed).toBe(1);
  }, 20_000);

  it('counts as lost when a process dies that was there before and has published nothing since', async () => {
    dead = ['silent', 'never there'];
    await until('a loss', () => missed > 0);
    await sleep(LOOK_MS);
    expect(missed).toBe(1);
  }, 20_000);

  it('does not count as lost when a process that was there before publishes', async () => {
    await send('silent', 7, said(7));
    expect(await settled()).toEqual([7]);
    expect(missed).toBe(0);
  });

  it('counts as lost when Redis has lost it', async () => {
    await redis.flushdb();
    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    while (missed === 0) await new Promise(setImmediate);
    nodes.publish(said(1));
    expect(await settled()).toEqual([]);
  });
});
