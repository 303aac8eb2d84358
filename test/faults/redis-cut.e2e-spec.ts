import { Link, ProcessCluster } from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { RedisServer } from '../cluster/redis-server.js';
import { expectNothingLost } from './oracle.js';
import { ConversationLoad } from './conversation-load.js';

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
    const load = await ConversationLoad.start(cluster, { pause: 20 });
    await load.more(200);
    begin();
    const before = load.last;
    await sleep(CUT_MS);
    // Sends need only the database: each phone has sent more.
    const said = new Set(load.last);
    expect(before.filter((message) => said.has(message))).toEqual([]);
    link.mend();
    await load.more(200);
    await load.end();
    // Without a sync: events of that time were queued.
    await Promise.all(load.phones.map((phone) => phone.holds(load.last)));
    await expectNothingLost(cluster, load.phones, load.causes);
  },
  300_000,
);
