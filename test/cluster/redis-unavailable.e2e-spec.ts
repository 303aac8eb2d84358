import { Metrics } from '#platform';
import {
  describeWithRedis,
  Link,
  ProcessCluster,
  text,
  until,
  type Account,
  type Device,
  type TestApp,
} from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from './cluster.js';
import { RedisServer } from './redis-server.js';

const untilMetric = ({ app }: TestApp, name: string, value: number) =>
  until(`${name} ${value}`, async () =>
    (await app.get(Metrics).registry.metrics()).includes(`${name} ${value}\n`),
  );

describeWithRedis('while Redis is unavailable', () => {
  let redis: RedisServer;
  let cluster: Cluster;
  let one: TestApp;
  let other: TestApp;
  let anna: Account;
  let boris: Account;
  let annaDevice: Device;
  let secondDevice: Device;
  beforeAll(async () => {
    redis = await RedisServer.start();
    cluster = await Cluster.start(2, { REDIS_URL: redis.url });
    [one, other] = cluster.nodes as [TestApp, TestApp];
    [anna, boris] = await one.people('Анна', 'Борис');
    [annaDevice, secondDevice] = [await one.device(anna), await other.device(boris)];
  });
  afterAll(async () => {
    await cluster.stop();
    await redis.stop();
  });

  it('messages are sent, and reach the other node when it is back, once and in order', async () => {
    const chat = await one.group(anna, boris);
    await secondDevice.next('chat:created', ({ id }) => id === chat.id);
    await redis.stop();
    const sent: string[] = [];
    for (let i = 0; i < 20; i++)
      sent.push((await annaDevice.send('chat:message:send', text(chat, `${i}`))).message_id);
    // Her own node needs no Redis for her.
    await annaDevice.until(() => annaDevice.all('chat:message:new').length >= 20 || undefined);
    await redis.restart();
    await secondDevice.until(
      () => secondDevice.all('chat:message:new').length >= 20 || undefined,
      'what was said',
      15_000,
    );
    expect(secondDevice.all('chat:message:new').map(({ id }) => id)).toEqual(sent);
    expect((await secondDevice.send('chat:message:send', text(chat, 'da'))).status).toBe('sent');
    await annaDevice.next('chat:message:new', ({ content }) => content === 'da');
  });

  it('everything is answered, by what this node knows or as UNAVAILABLE', async () => {
    await one.rows(`UPDATE users SET role = 'admin' WHERE id = $1`, [anna.id]);
    const ask = async (path: string): Promise<Record<string, unknown>> => {
      const { status, body } = await one.request<Record<string, unknown>>('GET', path, anna.token);
      return { status, ...body };
    };
    expect(await ask('/health/ready')).toEqual({ status: 'ok', redis: 'ok' });
    expect((await ask('admin/stats')).users).toMatchObject({ online: 2 });
    await redis.stop();
    await untilMetric(one, 'redis_up', 0);
    for (const path of ['admin/stats', 'admin/queues'])
      expect([path, await ask(path)]).toMatchObject([
        path,
        { status: 503, code: 'UNAVAILABLE', retry_after_ms: expect.any(Number) },
      ]);
    const retry = await one.request('POST', 'admin/queues/failed/none/retry', anna.token);
    expect([retry.status, retry.body.code]).toEqual([503, 'UNAVAILABLE']);
    expect(await ask('/health/ready')).toEqual({ status: 'ok', redis: 'away' });
    expect(await one.app.get(Metrics).registry.metrics()).toMatch(/^postgres_up 1$/m);
    // The presence of users on other nodes is not known. Requests that need only the database go on.
    const { items } = await annaDevice.send('presence:get', { user_ids: [anna.id, boris.id] });
    expect(items.map(({ online }) => online)).toEqual([true, false]);
    expect((await annaDevice.send('presence:watch', { user_ids: [boris.id] })).items).toMatchObject([
      { online: false },
    ]);
    expect(await ask(`users/${anna.id}`)).toMatchObject({ status: 200, online: true });
    expect((await annaDevice.send('users:list', { limit: 10 })).items).toHaveLength(1);
    const chat = await one.chat(anna, boris);
    expect((await annaDevice.send('chat:message:send', text(chat))).status).toBe('sent');
    expect((await ask('sync')).status).toBe(200);
    const tablet = await one.device(anna);
    const vera = await one.register('Вера');
    const phone = await one.device(vera);
    await redis.restart();
    await untilMetric(one, 'redis_up', 1);
    // A user who came meanwhile is announced once it is known that they had no device elsewhere.
    await secondDevice.next('user:online', ({ user_id }) => user_id === vera.id);
    expect((await secondDevice.send('presence:get', { user_ids: [vera.id] })).items).toMatchObject([
      { online: true },
    ]);
    tablet.close();
    phone.close();
    await secondDevice.next('user:offline', ({ user_id }) => user_id === vera.id);
    expect((await ask('admin/queues')).status).toBe(200);
  });

  it('its data may be lost: devices are asked to sync, and users stay online', async () => {
    const syncs = secondDevice.all('sync:required').length;
    await redis.stop();
    await redis.restart();
    await secondDevice.until(
      () => secondDevice.all('sync:required').length > syncs || undefined,
      'sync:required',
      15_000,
    );
    const online = async () =>
      (await annaDevice.send('presence:get', { user_ids: [anna.id, boris.id] })).items.map(
        (item) => item.online,
      );
    let found = await online();
    for (let i = 0; i < 50 && found.includes(false); i++) found = await online();
    expect(found).toEqual([true, true]);
    expect(annaDevice.all('user:offline').map(({ user_id }) => user_id)).not.toContain(boris.id);
  });
});

describeWithRedis('Redis stalls or is unavailable', () => {
  let redis: RedisServer;
  let link: Link;
  let cluster: Cluster;
  let node: TestApp;
  let watcher: Device;
  beforeAll(async () => {
    redis = await RedisServer.start();
    link = await Link.to(redis.url);
    cluster = await Cluster.start(1, { REDIS_URL: link.url, PRESENCE_GRACE_MS: '400' });
    node = cluster.nodes[0]!;
    watcher = await node.device(await node.register('Анна'));
  });
  afterAll(async () => {
    await cluster.stop();
    link.close();
    await redis.stop();
  });

  it('a user who connects while it stalls is announced', async () => {
    const vera = await node.register('Вера');
    link.stick();
    const phone = await node.device(vera);
    // Longer than the first attempt waits for its answer.
    await sleep(1500);
    link.mend();
    await watcher.next('user:online', ({ user_id }) => user_id === vera.id);
    phone.close();
    await watcher.next('user:offline', ({ user_id }) => user_id === vera.id);
  });

  it('a user who leaves before it returns empty is announced as offline', async () => {
    const gleb = await node.register('Глеб');
    const phone = await node.device(gleb);
    await watcher.next('user:online', ({ user_id }) => user_id === gleb.id);
    await redis.stop();
    await untilMetric(node, 'redis_up', 0);
    phone.close();
    await untilMetric(node, 'websocket_connections', 1);
    await redis.restart();
    await watcher.next('user:offline', ({ user_id }) => user_id === gleb.id);
  });
});

describeWithRedis('a stop', () => {
  /** Timers and connections: any that remain keep a process from ending. */
  const handles = () => process.getActiveResourcesInfo().filter((name) => /Timeout|TCP/.test(name)).length;

  it.each(['away', 'just back'])('while Redis is %s leaves nothing open', async (state) => {
    const before = handles();
    const redis = await RedisServer.start();
    const cluster = await Cluster.start(1, { REDIS_URL: redis.url });
    await redis.stop();
    await untilMetric(cluster.nodes[0]!, 'redis_up', 0);
    if (state === 'just back') await redis.restart();
    await cluster.stop();
    await redis.stop();
    await until('nothing open', () => handles() <= before);
  });

  // At first nobody has noticed; later every connection is being made again.
  it.each([0, 5000])(
    '%i ms after Redis stalled ends every process in time, with exit code 0',
    async (ms) => {
      const redis = await RedisServer.start();
      const link = await Link.to(redis.url);
      const cluster = await ProcessCluster.start({ REDIS_URL: link.url }, { realtime: 1 });
      const anna = await cluster.register('Анна');
      const phone = await cluster.device(anna);
      link.stick();
      await sleep(ms);
      await Promise.all(cluster.processes.map((process) => process.signal('SIGTERM')));
      const ended = cluster.processes.map(({ name, ended }) => [name, ended]);
      expect(ended).toEqual(cluster.processes.map(({ name }) => [name, 0]));
      phone.close();
      await cluster.stop();
      link.close();
      await redis.stop();
    },
    60_000,
  );
});
