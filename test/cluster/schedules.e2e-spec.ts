import { describeWithRedis, TestApp } from '#testing';
import { Redis } from 'ioredis';
import { Cluster } from './cluster.js';

/** The schedules in `apps/worker/src/worker.module.ts`. */
const SCHEDULED = [
  'expire-bookings',
  'propose-bookings',
  'purge-notifications',
  'purge-sessions',
  'release-notifications',
  'remind-bookings',
];

describeWithRedis('scheduled jobs', () => {
  let cluster: Cluster;
  let redis: Redis;
  beforeAll(async () => {
    cluster = await Cluster.start(2);
    redis = new Redis(cluster.env.REDIS_URL!);
  });
  afterAll(async () => {
    await redis.quit();
    await cluster.stop();
  });

  /** The next run of each schedule. */
  const next = async () => {
    const ids = await redis.zrange('bull:jobs:delayed', 0, '-1');
    return ids.map((id) => /^repeat:(.+):\d+$/.exec(id)?.[1] ?? id).sort();
  };
  const schedules = async () => (await redis.zrange('bull:jobs:repeat', 0, '-1')).sort();

  it('exist once, however many workers start together or later', async () => {
    expect(await schedules()).toEqual(SCHEDULED);
    expect(await next()).toEqual(SCHEDULED);
    const third = await TestApp.start(cluster.env);
    expect(await schedules()).toEqual(SCHEDULED);
    expect(await next()).toEqual(SCHEDULED);
    await third.stop();
  });
});
