import { ChatViews } from '#chat';
import type { ChatDto } from '#contracts';
import { DatabaseSession, describeWithRedis, text, TestApp, type Account, type Device } from '#testing';
import { Redis } from 'ioredis';
import { Cluster } from '../cluster/cluster.js';

const range = (length: number) => Array.from({ length }, (_, i) => i);
const patch = (app: TestApp, chat: ChatDto, by: Account, body: object) =>
  app.request<ChatDto>('PATCH', `chats/${chat.id}`, by.token, body);

describe('a slow change of a chat', () => {
  let app: TestApp;
  let blocker: DatabaseSession;
  let owner: Account;
  let anna: Account;
  let boris: Account;
  let owners: Device;
  let annaDevice: Device;
  let borisDevice: Device;
  beforeAll(async () => {
    app = await TestApp.start();
    blocker = await DatabaseSession.at(app.databaseUrl);
    [owner, anna, boris] = await app.people('Глеб', 'Анна', 'Борис');
    [owners, annaDevice, borisDevice] = await app.devices(owner, anna, boris);
  });
  afterEach(() => blocker.query('ROLLBACK'));
  afterAll(async () => {
    await blocker.end();
    await app.stop();
  });

  it.each<[string, (group: ChatDto, messageId: string) => Promise<unknown>]>([
    ['a new title', (group) => patch(app, group, owner, { title: 'Другая' })],
    ['an edit', (_, message_id) => owners.send('chat:message:edit', { message_id, content: 'x' })],
    ['a pin', (_, message_id) => owners.send('chat:message:pin', { message_id })],
  ])(
    '%s: sends and cursor updates of other chats go on, and those of the chat follow it',
    async (_, change) => {
      const group = await app.group(owner, anna);
      const chat = await app.chat(anna, boris);
      const { message_id } = await owners.send('chat:message:send', text(group));
      await blocker.query('BEGIN');
      await blocker.query('SELECT FROM chats WHERE id = $1 FOR UPDATE', [group.id]);
      const order: string[] = [];
      const noted = (what: string) => () => order.push(what);
      const changed = change(group, message_id).then(noted('change'));
      await blocker.somebodyWaits();
      const own = owners.send('chat:message:send', text(group, 'follows')).then(noted('own'));
      for (let i = 0; i < 20; i++) {
        const sent = await annaDevice.send('chat:message:send', text(chat, `m${i}`));
        await borisDevice.next('chat:message:new', ({ id }) => id === sent.message_id);
        const read = { chat_id: chat.id, message_id: sent.message_id };
        expect((await borisDevice.send('chat:message:read', read)).status).toBe('ok');
        order.push('other');
      }
      // Waiting for the chat takes no connection.
      expect([order, await blocker.waiters()]).toEqual([Array(20).fill('other'), 1]);
      await blocker.query('COMMIT');
      await Promise.all([changed, own]);
      expect(order.slice(20).sort()).toEqual(['change', 'own']);
      const seqs = (await app.history(owner, group.id)).map(({ seq }) => seq);
      expect(seqs).toEqual([1, 2]);
    },
  );

  it('delays neither a change without effect nor a refused one', async () => {
    const group = await app.group(owner, anna);
    const { title } = (await patch(app, group, owner, { title: 'Первая' })).body;
    await blocker.query('BEGIN');
    await blocker.query('SELECT FROM chats WHERE id = $1 FOR UPDATE', [group.id]);
    const waits = patch(app, group, owner, { title: 'Вторая' });
    await blocker.somebodyWaits();
    const members = `chats/${group.id}/members`;
    const asked = [
      patch(app, group, owner, { title }),
      app.request('POST', members, owner.token, { user_ids: [anna.id] }),
      app.request('PATCH', `${members}/${anna.id}`, owner.token, { role: 'member' }),
      patch(app, group, anna, { title: 'Чужая' }),
      app.request('DELETE', `${members}/${boris.id}`, owner.token),
    ];
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect([statuses, await blocker.waiters()]).toEqual([[200, 201, 200, 403, 404], 1]);
    await blocker.query('COMMIT');
    expect((await waits).body.title).toBe('Вторая');
  });

  it('is shown to the members even if the database was unavailable meanwhile', async () => {
    const group = await app.group(owner, anna);
    const away = new Error('Connection terminated');
    jest.spyOn(app.app.get(ChatViews), 'ofMembers').mockImplementationOnce(() => {
      throw away;
    });
    await patch(app, group, owner, { title: 'Новая' });
    await annaDevice.next('chat:updated', ({ id, title }) => id === group.id && title === 'Новая');
  });

  it('in a large group is published together with other changes, also to a new member', async () => {
    const group = await app.group(owner, ...(await app.manyPeople(40)).map((id) => ({ id })));
    await patch(app, group, owner, { title: '1' });
    await owners.next('chat:updated', ({ title }) => title === '1');
    const since = performance.now();
    for (let i = 2; i < 60; i++) await patch(app, group, owner, { title: `${i}` });
    await app.request('POST', `chats/${group.id}/members`, owner.token, { user_ids: [boris.id] });
    await patch(app, group, owner, { title: '60' });
    for (const device of [owners, borisDevice])
      await device.next('chat:updated', ({ title }) => title === '60');
    // One per second, and one for the change before.
    const seconds = (performance.now() - since) / 1000;
    const received = owners.all('chat:updated').filter(({ id }) => id === group.id);
    expect(received.length).toBeLessThan(seconds + 3);
  });

  it('delays the other changes of its owner, and nobody else’s', async () => {
    const group = await app.group(owner, anna);
    const another = await app.group(anna, boris);
    await blocker.query('BEGIN');
    await blocker.query('SELECT FROM chats WHERE id = $1 FOR UPDATE', [group.id]);
    const waiting = patch(app, group, owner, { title: 'первая' });
    await blocker.somebodyWaits();
    const more = range(60).map((i) => patch(app, group, owner, { title: `т${i}` }));
    expect((await patch(app, another, anna, { title: 'Своя' })).status).toBe(200);
    await blocker.query('COMMIT');
    const replies = await Promise.all([waiting, ...more]);
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
  });
});

describeWithRedis('a large group that changes as fast as possible, over two nodes', () => {
  const MEMBERS = 100;
  const CHANGES = 60;
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

  /** The size of all messages between the nodes, in characters. */
  const publishedSize = async () => {
    const all = await redis.xrange('service-platform:nodes', '-', '+');
    return all.reduce((sum, [, fields]) => sum + fields[1]!.length, 0);
  };

  it('costs the nodes little, makes nobody sync, and is shown to its members in its last state', async () => {
    const [one, other] = cluster.nodes as [TestApp, TestApp];
    const [owner, member, anna, boris] = await one.people('Глеб', 'Вера', 'Анна', 'Борис');
    const manyPeople = await one.manyPeople(MEMBERS);
    const group = await one.group(owner, member, ...manyPeople.map((id) => ({ id })));
    const owners = await one.device(owner);
    for (let i = 0; i < 5; i++) await owners.send('chat:message:send', text(group));
    // Each member has another read cursor, and so another unread count.
    await one.rows(`UPDATE chats SET last_seq = ${MEMBERS + 5} WHERE id = $1`, [group.id]);
    await one.rows(
      `UPDATE chat_members SET last_delivered_seq = n.seq, last_read_seq = n.seq
       FROM (SELECT user_id, row_number() OVER () AS seq FROM chat_members WHERE chat_id = $1) n
       WHERE chat_id = $1 AND chat_members.user_id = n.user_id`,
      [group.id],
    );
    const chat = await one.chat(anna, boris);
    const [members, firstDevice, secondDevice] = [
      await other.device(member),
      await one.device(anna),
      await other.device(boris),
    ];
    await secondDevice.settled();
    const before = await publishedSize();
    const flood = Promise.all(
      range(CHANGES).map((i) => patch(i % 2 ? one : other, group, owner, { title: `t${i}` })),
    );
    const sent: string[] = [];
    for (let i = 0; i < 30; i++)
      sent.push((await firstDevice.send('chat:message:send', text(chat, `m${i}`))).message_id);
    expect((await flood).map(({ status }) => status)).toEqual(Array(CHANGES).fill(200));
    const perChange = ((await publishedSize()) - before - sent.length * 1000) / CHANGES;
    expect(perChange).toBeLessThan(1000);

    await secondDevice.next('chat:message:new', ({ id }) => id === sent.at(-1));
    expect(secondDevice.all('chat:message:new').map(({ id }) => id)).toEqual(sent);
    const { title } = (await one.request<ChatDto>('GET', `chats/${group.id}`, owner.token)).body;
    for (const device of [owners, members]) {
      await device.next('chat:updated', (shown) => shown.title === title);
      expect(device.all('chat:updated').length).toBeLessThan(CHANGES / 2);
    }
    for (const device of [owners, members, firstDevice, secondDevice])
      expect(device.all('sync:required')).toHaveLength(1);
  });
});
