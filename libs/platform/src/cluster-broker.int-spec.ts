import { describeWithRedis, emptyRedis } from '#testing';
import { Redis } from 'ioredis';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Config } from './config.js';
import { logger } from './logging.js';
import { Metrics } from './metrics.js';
import { ClusterBroker } from './cluster-broker.js';
import type { NodeCommand, Sockets } from './node-command.js';
import { RedisConnections } from './redis.js';

/** How often it is looked who has died, ms. */
const LOOK_MS = 2500;
const STREAM = 'service-platform:nodes';
const said = (number: number): NodeCommand => ({
  name: 'broadcast',
  rooms: ['all'],
  what: { data: ['said', number] },
});

describeWithRedis('what other processes tell', () => {
  let connections: RedisConnections;
  let redis: Redis;
  let nodes: ClusterBroker;
  let received: number[];
  let missed: number;
  let dead: string[];
  let sockets: { broadcast: (packet: { data: [string, number] }) => unknown };
  beforeEach(async () => {
    logger.level = 'silent';
    connections = new RedisConnections(Object.assign(new Config(), { REDIS_URL: await emptyRedis() }));
    redis = connections.shared!;
    [received, missed, dead] = [[], 0, []];
    sockets = { broadcast: ({ data }: { data: [string, number] }) => received.push(data[1]) };
    nodes = new ClusterBroker(
      connections,
      new Metrics(),
      {
        id: randomUUID(),
        dead: async (ids) => ids.filter((id) => dead.includes(id)),
        all: async () => ['silent'],
      },
      () => sockets as unknown as Sockets,
      () => (missed += 1),
    );
    await nodes.ready();
  });
  afterEach(() => {
    nodes.close();
    connections.onApplicationShutdown();
  });

  const send = (from: string, n: number, deed?: NodeCommand) =>
    redis.xadd(STREAM, '*', 'told', JSON.stringify({ from, n, deed }));
  /** All that was told before has been heard then. */
  const settled = async () => {
    await send('last', 1, said(-1));
    while (received.at(-1) !== -1) await new Promise(setImmediate);
    return received.slice(0, -1);
  };

  it('is done in pieces, with other work between them', async () => {
    let turn = 0;
    let isOver = false;
    const count = () => {
      turn += 1;
      if (!isOver) setImmediate(count);
    };
    count();
    const turns: number[] = [];
    sockets.broadcast = ({ data }) => (turns.push(turn), received.push(data[1]));
    let now = 0;
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => (now += 10));
    const all = redis.multi();
    for (let n = 1; n <= 5; n++)
      all.xadd(STREAM, '*', 'told', JSON.stringify({ from: 'other', n, deed: said(n) }));
    await all.exec();
    expect(await settled()).toEqual([1, 2, 3, 4, 5]);
    isOver = true;
    clock.mockRestore();
    expect(new Set(turns).size).toBe(turns.length);
  });

  it('is done once, however often it stands there', async () => {
    for (const n of [7, 8, 7, 8, 9]) await send('other', n, said(n));
    await send('another', 7, said(70));
    expect(await settled()).toEqual([7, 8, 9, 70]);
    expect(missed).toBe(0);
  });

  it('is missed when one of a process’s messages is not there, and goes on', async () => {
    for (const n of [1, 2, 4]) await send('other', n, said(n));
    expect(await settled()).toEqual([1, 2, 4]);
    expect(missed).toBe(1);
  });

  it('is missed at once, and all that is missed in the 5 s after it is one more time, with the reasons in the log', async () => {
    const warn = jest.spyOn(logger, 'warn');
    await send('new', 5);
    for (let n = 1; n < 100; n += 2) await send('other', n, said(n));
    for (let n = 6; n < 50; n++) await send('new', n);
    await settled();
    expect(missed).toBe(1);
    while (missed === 1) await sleep(100);
    // Of a connection that other tests cut there may be warnings, too.
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

  it('is missed when a process says that it could not tell, also one that was never heard before', async () => {
    await send('new', 1);
    await send('other', 5);
    await settled();
    expect(missed).toBe(1);
  });

  it('is missed once when some that were heard die, not when one has taken its leave', async () => {
    for (const from of ['killed', 'killed too', 'stopped', 'living']) await send(from, 1, said(1));
    await redis.xadd(STREAM, '*', 'told', JSON.stringify({ from: 'stopped', n: 2, leaves: true }));
    await settled();
    dead = ['killed', 'killed too', 'stopped'];
    while (missed === 0) await sleep(100);
    await sleep(LOOK_MS);
    expect(missed).toBe(1);
  }, 20_000);

  it('is missed when one dies that was there before and told nothing since', async () => {
    dead = ['silent', 'never there'];
    while (missed === 0) await sleep(100);
    await sleep(LOOK_MS);
    expect(missed).toBe(1);
  }, 20_000);

  it('is not missed when one that was there before tells something', async () => {
    await send('silent', 7, said(7));
    expect(await settled()).toEqual([7]);
    expect(missed).toBe(0);
  });

  it('is missed when Redis is back and has lost it', async () => {
    await redis.flushdb();
    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    while (missed === 0) await new Promise(setImmediate);
    nodes.publish(said(1));
    expect(await settled()).toEqual([]);
  });
});
