import { describeWithRedis, type Account, type Device, type TestApp } from '#testing';
import { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from './cluster.js';

describeWithRedis('presence on two nodes', () => {
  let cluster: Cluster;
  let one: TestApp;
  let other: TestApp;
  let watcher: Device;
  let boris: Account;
  beforeAll(async () => {
    cluster = await Cluster.start(2, { PRESENCE_GRACE_MS: '400' });
    [one, other] = cluster.nodes as [TestApp, TestApp];
    const [anna, b] = await one.people('Анна', 'Борис');
    boris = b;
    watcher = await one.device(anna);
  });
  afterAll(() => cluster.stop());

  const received = () =>
    watcher.received.flatMap(({ event, payload }) =>
      /^user:o/.test(event) && (payload as { user_id: string }).user_id === boris.id ? [event] : [],
    );
  const seen = async (node: TestApp) => {
    const { items } = await watcher.send('presence:get', { user_ids: [boris.id] });
    const { body } = await node.request<{ online: boolean }>('GET', `users/${boris.id}`, boris.token);
    return [items[0]!.online, body.online];
  };

  it('is published once for a user with devices on both, and ends with the last device', async () => {
    const phone = await one.device(boris);
    const tablet = await other.device(boris);
    await watcher.next('user:online', ({ user_id }) => user_id === boris.id);
    expect(await seen(other)).toEqual([true, true]);
    phone.close();
    await sleep(900);
    expect(received()).toEqual(['user:online']);
    expect(await seen(one)).toEqual([true, true]);
    tablet.close();
    await watcher.next('user:offline', ({ user_id }) => user_id === boris.id);
    expect(received()).toEqual(['user:online', 'user:offline']);
    expect(await seen(other)).toEqual([false, false]);
  });

  it('does not flicker when a device moves from one node to the other', async () => {
    const before = received().length;
    const here = await one.device(boris);
    await watcher.until(() => received().length > before || undefined);
    here.close();
    const there = await other.device(boris);
    await sleep(900);
    expect(received().slice(before)).toEqual(['user:online']);
    there.close();
    await watcher.until(() => received().length > before + 1 || undefined);
  });

  it('ends for a user whose lease was not renewed, and begins again after a renewal', async () => {
    const before = received().length;
    const phone = await other.device(boris);
    await watcher.until(() => received().length > before || undefined);
    const redis = new Redis(cluster.env.REDIS_URL!);
    // The state after 30 s without a renewal, which would take too long here.
    await redis.zadd('presence:users', 1, boris.id);
    await watcher.until(() => received().length > before + 1 || undefined);
    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await watcher.until(() => received().length > before + 2 || undefined);
    expect(received().slice(before)).toEqual(['user:online', 'user:offline', 'user:online']);
    expect(await seen(one)).toEqual([true, true]);
    phone.close();
    await watcher.until(() => received().length > before + 3 || undefined);
    await redis.quit();
  });

  it('neither ends nor makes a device sync for a user who stays longer than any lease', async () => {
    const offline = received().length;
    const phone = await other.device(boris);
    await watcher.until(() => received().length > offline || undefined);
    const before = received().length;
    const looked = () => [watcher, phone].flatMap((device) => device.all('sync:required')).length;
    const hasLooked = looked();
    // The loss of a node is noticed only if it has published before.
    for (const node of [one, other]) await node.chat(boris, await node.register('Вера'));
    await sleep(36_000);
    expect(received().slice(before)).toEqual([]);
    expect(looked()).toBe(hasLooked);
    expect(await seen(one)).toEqual([true, true]);
    phone.close();
  }, 90_000);
});
