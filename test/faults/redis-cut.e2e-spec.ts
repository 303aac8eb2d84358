import { Link, ProcessCluster } from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { RedisServer } from '../cluster/redis-server.js';
import { expectNothingLost } from './oracle.js';
import { Talk } from './talk.js';

/** How long Redis is unreachable, ms. */
const CUT_MS = 10_000;

let redis: RedisServer;
let link: Link;
let cluster: ProcessCluster;
beforeAll(async () => {
  redis = await RedisServer.start();
  link = await Link.to(redis.url);
  cluster = await ProcessCluster.start({ REDIS_URL: link.url });
});
afterAll(async () => {
  await cluster.stop();
  link.close();
  await redis.stop();
});

it.each([
  ['disconnected', () => link.cut()],
  ['stalled', () => link.stick()],
])(
  'Redis is %s for 10 s: everybody goes on, and receives everything in the end',
  async (_, begin) => {
    const talk = await Talk.start(cluster, { pause: 20 });
    await talk.more(200);
    begin();
    const before = talk.last;
    await sleep(CUT_MS);
    // Sends need only the database: each phone has sent more.
    const said = new Set(talk.last);
    expect(before.filter((message) => said.has(message))).toEqual([]);
    link.mend();
    await talk.more(200);
    await talk.end();
    // Without a sync: events of that time were queued.
    await Promise.all(talk.phones.map((phone) => phone.holds(talk.last)));
    await expectNothingLost(cluster, talk.phones, talk.causes);
  },
  300_000,
);
