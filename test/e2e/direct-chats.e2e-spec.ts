import { ChatViews } from '#chat';
import { ChatDto, type ChatPage, type SyncAnswer } from '#contracts';
import { contractErrors, Device, TestApp, text, type Account } from '#testing';
import { randomUUID } from 'node:crypto';

let app: TestApp;
let anna: Account;
let boris: Account;
let vera: Account;
let annaDevice: Device;
beforeAll(async () => {
  app = await TestApp.start();
  [anna, boris, vera] = await app.people('Анна', 'Борис', 'Вера');
  [annaDevice] = await app.devices(anna);
});
afterAll(() => app.stop());

const post = (path: string, account: Account, body: object) =>
  app.request<ChatDto>('POST', path, account.token, body);
const add = (chat: ChatDto, by: Account, ...people: { id: string }[]) =>
  post(`chats/${chat.id}/members`, by, { user_ids: people.map(({ id }) => id) });
const remove = (chat: ChatDto, by: Account, whom: { id: string }) =>
  app.request('DELETE', `chats/${chat.id}/members/${whom.id}`, by.token);
const send = (device: Device, chat: ChatDto, content = 'x') =>
  device.send('chat:message:send', text(chat, content));

describe('a direct chat', () => {
  it('is created once when 20 requests from both sides arrive at once', async () => {
    const [a, b] = await app.people('А', 'Б');
    const [one, two] = await app.devices(a, b);
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const [account, device, other] = i % 2 ? ([a, one, b] as const) : ([b, two, a] as const);
        if (i % 4 < 2) return (await device.send('chat:get', { recipient_id: other.id })).chat;
        return (await post('chats', account, { type: 'direct', participant_ids: [other.id] })).body;
      }),
    );
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    for (const answer of answers) expect(contractErrors(ChatDto, answer)).toEqual([]);
    for (const device of [one, two]) {
      await device.settled();
      expect(device.all('chat:created')).toHaveLength(1);
    }
    const { status } = await post('chats', a, { type: 'direct', participant_ids: [b.id] });
    expect(status).toBe(200);
  });

  it('appears for the other side with its first message: the chat and the message, once each', async () => {
    const [a, b, c] = await app.people('А', 'Б', 'В');
    const [one, two, tablet] = await app.devices(a, b, b);
    const { chat } = await one.send('chat:get', { recipient_id: b.id });
    await one.next('chat:created', ({ id }) => id === chat.id);
    const listed = async (by: Account) => {
      const list = await app.request<ChatPage>('GET', 'chats', by.token);
      const sync = await app.request<SyncAnswer>('GET', 'sync', by.token);
      const isHere = (items: { id: string }[]) => items.some(({ id }) => id === chat.id);
      return [isHere(list.body.items), isHere(sync.body.chats)];
    };
    const { cursor } = (await app.request<SyncAnswer>('GET', 'sync', b.token)).body;
    expect([await listed(a), await listed(b)]).toEqual([
      [true, true],
      [false, false],
    ]);
    for (const device of [two, tablet]) {
      await device.settled();
      expect(device.all('chat:created')).toEqual([]);
    }
    const sends = ['Привет', 'Как дела?'].map((content) => send(one, chat, content));
    await Promise.all(sends);
    for (const device of [two, tablet]) {
      await device.next('chat:message:new', ({ content }) => content === 'Как дела?');
      const received = device.received.filter(({ event }) => /^chat:(created|message:new)$/.test(event));
      expect(received.map(({ event }) => event)).toEqual([
        'chat:created',
        'chat:message:new',
        'chat:message:new',
      ]);
      expect(device.all('chat:created')[0]).toMatchObject({
        id: chat.id,
        last_message: { content: expect.any(String) },
      });
    }
    expect(await listed(b)).toEqual([true, true]);
    const { body } = await app.request<SyncAnswer>('GET', `sync?cursor=${cursor}`, b.token);
    expect(body.chats).toMatchObject([{ id: chat.id, unread_count: 2 }]);
    // A side that opens it earlier has it at once, on every device.
    const third = await app.device(c);
    const { body: opened } = await post('chats', a, { type: 'direct', participant_ids: [c.id] });
    expect((await post('chats', c, { type: 'direct', participant_ids: [a.id] })).status).toBe(200);
    await third.next('chat:created', ({ id }) => id === opened.id);
    await send(one, opened);
    await third.next('chat:message:new', ({ chat_id }) => chat_id === opened.id);
    expect(third.all('chat:created')).toHaveLength(1);
    expect(one.all('chat:created')).toHaveLength(2);
    // Opening it after its first message creates nothing.
    expect((await post('chats', b, { type: 'direct', participant_ids: [a.id] })).status).toBe(200);
    await two.settled();
    expect(two.all('chat:created')).toHaveLength(1);
  });

  it('does not delay other chats while it is shown to the other side, and keeps its own order', async () => {
    const [a, b] = await app.people('А', 'Б');
    const [one, two] = await app.devices(a, b);
    const { chat } = await one.send('chat:get', { recipient_id: b.id });
    const [direct, group] = [await app.chat(anna, boris), await app.group(anna, boris)];
    const views = app.app.get(ChatViews);
    const ofEach = views.ofEach.bind(views);
    let release!: () => void;
    const released = new Promise<void>((resolve) => (release = resolve));
    let isAsked!: () => void;
    const asked = new Promise<void>((resolve) => (isAsked = resolve));
    jest.spyOn(views, 'ofEach').mockImplementationOnce(async (pairs) => {
      isAsked();
      await released;
      return ofEach(pairs);
    });
    const first = send(one, chat, 'first');
    await asked;
    const second = send(one, chat, 'second');
    for (const other of [direct, group]) expect((await send(annaDevice, other)).status).toBe('sent');
    const chatEvents = () => two.received.filter(({ event }) => /^chat:(created|message:new)$/.test(event));
    await two.settled();
    expect(chatEvents()).toEqual([]);
    release();
    expect([(await first).seq, (await second).seq]).toEqual([1, 2]);
    await two.next('chat:message:new', ({ seq }) => seq === 2);
    expect(chatEvents().map(({ event }) => event)).toEqual([
      'chat:created',
      'chat:message:new',
      'chat:message:new',
    ]);
    expect(two.all('chat:message:new').map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it('needs exactly two existing people, and its members cannot change', async () => {
    const invalid = [[anna.id], [], [boris.id, vera.id], ['x'], 'x', undefined];
    for (const participant_ids of invalid) {
      const { status, body } = await post('chats', anna, { type: 'direct', participant_ids });
      expect([status, body.code, body.details![0]!.field]).toEqual([400, 'INVALID_DATA', 'participant_ids']);
    }
    const chats = (await app.rows('SELECT FROM chats')).length;
    const nobody = await post('chats', anna, { type: 'direct', participant_ids: [randomUUID()] });
    expect([nobody.status, nobody.body.code]).toEqual([404, 'NOT_FOUND']);
    expect((await annaDevice.send('chat:get', { recipient_id: randomUUID() })).code).toBe('NOT_FOUND');
    expect((await annaDevice.send('chat:get', { recipient_id: anna.id })).code).toBe('INVALID_DATA');
    expect(await app.rows('SELECT FROM chats')).toHaveLength(chats);
    const chat = await app.chat(anna, boris);
    for (const refused of [
      await app.request('PATCH', `chats/${chat.id}`, anna.token, { title: 'x' }),
      await add(chat, anna, vera),
      await remove(chat, anna, boris),
      await remove(chat, anna, anna),
    ])
      expect([refused.status, refused.body.code]).toEqual([403, 'FORBIDDEN']);
  });
});
