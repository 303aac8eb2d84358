import { text, type Account, type Device, type TestApp } from '#testing';
import { Cluster, describeCluster } from './cluster.js';
import { RedisServer } from './redis-server.js';

describeCluster('Redis goes away', () => {
  let redis: RedisServer;
  let cluster: Cluster;
  let one: TestApp;
  let other: TestApp;
  let anna: Account;
  let boris: Account;
  let hers: Device;
  let his: Device;
  beforeAll(async () => {
    redis = await RedisServer.start();
    cluster = await Cluster.start(2, { REDIS_URL: redis.url });
    [one, other] = cluster.nodes as [TestApp, TestApp];
    [anna, boris] = await one.people('Анна', 'Борис');
    [hers, his] = [await one.device(anna), await other.device(boris)];
  });
  afterAll(async () => {
    await cluster.stop();
    await redis.stop();
  });

  it('and what was said meanwhile is heard on the other node when it is back, once and in order', async () => {
    const chat = await one.chat(anna, boris);
    await his.next('chat:created', ({ id }) => id === chat.id);
    await redis.stop();
    const sent: string[] = [];
    for (let i = 0; i < 20; i++)
      sent.push((await hers.send('chat:message:send', text(chat, `${i}`))).message_id);
    // Her own node needs no Redis for her.
    await hers.until(() => hers.all('chat:message:new').length >= 20 || undefined);
    await redis.restart();
    await his.until(() => his.all('chat:message:new').length >= 20 || undefined, 'what was said', 15_000);
    expect(his.all('chat:message:new').map(({ id }) => id)).toEqual(sent);
    expect((await his.send('chat:message:send', text(chat, 'da'))).status).toBe('sent');
    await hers.next('chat:message:new', ({ content }) => content === 'da');
  });

  it('and comes back empty: devices are told to look, and users are online as before', async () => {
    const syncs = his.all('sync:required').length;
    await redis.stop();
    await redis.restart();
    await his.until(() => his.all('sync:required').length > syncs || undefined, 'sync:required', 15_000);
    const online = async () =>
      (await hers.send('presence:get', { user_ids: [anna.id, boris.id] })).items.map((item) => item.online);
    let found = await online();
    for (let i = 0; i < 50 && found.includes(false); i++) found = await online();
    expect(found).toEqual([true, true]);
    expect(hers.all('user:offline')).toEqual([]);
  });
});
