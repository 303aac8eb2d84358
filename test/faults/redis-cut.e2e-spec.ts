import { Link, ProcessCluster } from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { RedisServer } from '../cluster/redis-server.js';
import { expectNothingLost } from './oracle.js';
import { Talk } from './talk.js';

/** How long nothing reaches Redis, ms. */
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
  ['cut off', () => link.cut()],
  ['silent', () => link.stick()],
])(
  'Redis is %s for 10 s: everybody goes on, and hears everything in the end',
  async (_, begin) => {
    const talk = await Talk.start(cluster, { pause: 20 });
    await talk.more(200);
    begin();
    const before = talk.last;
    await sleep(CUT_MS);
    // Sends ask the database alone: each has said more.
    const said = new Set(talk.last);
    expect(before.filter((message) => said.has(message))).toEqual([]);
    link.mend();
    await talk.more(200);
    await talk.end();
    // Without being asked to look: what was told meanwhile has waited.
    await Promise.all(talk.phones.map((phone) => phone.holds(talk.last)));
    await expectNothingLost(cluster, talk.phones, talk.causes);
  },
  300_000,
);
