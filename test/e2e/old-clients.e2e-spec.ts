import type { ChatDto } from '#contracts';
import { OldClient, TestApp, text, type Account, type Device } from '#testing';

let app: TestApp;
let anna: Account;
let boris: Account;
let chat: ChatDto;
let borisDevice: Device;
beforeAll(async () => {
  app = await TestApp.start({ ALLOW_EIO3: 'true' });
  [anna, boris] = await app.people('Анна', 'Борис');
  chat = await app.chat(anna, boris);
  borisDevice = await app.device(boris);
});
afterAll(() => app.stop());

const open = (namespace: string, token: string, transport: string) =>
  app.keep(OldClient.open(app.url + namespace, token, transport));

describe.each(['websocket', 'polling'])('a Socket.IO 2 client by %s', (transport) => {
  it('sends, receives, and is answered once, like any other', async () => {
    const old = open('/', anna.token, transport);
    expect(await old.next('sync:required')).toMatchObject({ user_id: anna.id });
    await old.beat();
    const message = text(chat, 'Привет 😀');
    const sent = await old.ask('chat:message:send', { ...message, client_id: transport });
    expect(sent).toMatchObject({ status: 'sent', client_id: transport });
    const again = await old.ask('chat:message:send', { ...message, client_id: transport });
    expect(again.message_id).toBe(sent.message_id);
    expect(await old.next('chat:message:new')).toMatchObject({ content: 'Привет 😀', client_id: transport });
    const live = await borisDevice.next('chat:message:new', ({ id }) => id === sent.message_id);
    expect(live.content).toBe('Привет 😀');
    // The old client and a current device share one frame, encoded once.
    const today = await app.device(anna);
    const { message_id } = await borisDevice.send('chat:message:send', text(chat, 'я'.repeat(4000)));
    expect(await old.next('chat:message:new', ({ id }) => id === message_id)).toEqual(
      await today.next('chat:message:new', ({ id }) => id === message_id),
    );
    await borisDevice.send('chat:typing', { chat_id: chat.id, is_typing: true });
    await old.next('chat:typing');
    await old.ask('presence:get', { user_ids: [anna.id] });
    const ids = old.all('chat:message:new').map(({ id }) => id);
    expect(ids).toEqual([sent.message_id, message_id]);
    today.close();
    old.close();
  });

  it('stays connected when its payload is too large, broken, binary or unknown', async () => {
    const old = open('/', anna.token, transport);
    await old.next('sync:required');
    const refused = { status: 'error', code: 'INVALID_DATA', timestamp: expect.any(String) };
    expect(await old.ask('nonsense', {})).toMatchObject(refused);
    for (const payload of [null, [], 'text', 1, Buffer.from('binary'), { content: Buffer.from('binary') }])
      expect(await old.ask('chat:message:send', payload)).toMatchObject(refused);
    const large = text(chat, 'x', { metadata: { x: 'я'.repeat(40_000) } });
    expect(await old.ask('chat:message:send', large)).toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
    old.old.emit('nonsense', {});
    expect(await old.next('error')).toMatchObject({ code: 'INVALID_DATA' });
    await old.beat();
    old.close();
  });

  it('is notified of a bad token and of a sign-out, and disconnected', async () => {
    const bad = open('/', 'nonsense', transport);
    const gone = new Promise((resolve) => bad.old.on('disconnect', resolve));
    expect(await bad.next('error')).toMatchObject({ message: 'Invalid token', reason: 'token_invalid' });
    expect(await gone).toBe('io server disconnect');
    expect(bad.received).toHaveLength(1);
    const vera = await app.register('Вера');
    const transportDevice = open('/', vera.token, transport);
    await transportDevice.next('sync:required');
    const out = new Promise((resolve) => transportDevice.old.on('disconnect', resolve));
    await app.request('POST', 'auth/logout', vera.token);
    expect(await transportDevice.next('error')).toMatchObject({ reason: 'session_revoked' });
    expect(await out).toBe('io server disconnect');
  });

  it('speaks an older protocol in its namespace, and gets errors in that protocol', async () => {
    const old = open('/messenger', anna.token, transport);
    await old.next('connection:established');
    const sent = await old.ask<{ id: string }>('message', { chatId: chat.id, content: 'по-старому' });
    expect((await borisDevice.next('chat:message:new', ({ id }) => id === sent.id)).content).toBe(
      'по-старому',
    );
    const { message_id } = await borisDevice.send('chat:message:send', text(chat, 'ответ'));
    await old.next('message', ({ id }) => id === message_id);
    expect(old.all('message').filter(({ id }) => id === message_id)).toHaveLength(1);
    expect(old.all('chat:message:new')).toEqual([]);
    old.close();
    const bad = open('/messenger', 'nonsense', transport);
    await bad.until(() => bad.refusals.length > 0 || undefined);
    expect([bad.refusals, bad.received]).toEqual([['User not found'], []]);
    bad.close();
  });
});

it('an old connection ends when `/` refused it and it joins no other namespace', async () => {
  const opened = await fetch(`${app.url}/socket.io/?EIO=3&transport=polling&b64=1`);
  const { sid } = JSON.parse(/\{.*?\}/.exec(await opened.text())![0]) as { sid: string };
  const poll = () => fetch(`${app.url}/socket.io/?EIO=3&transport=polling&b64=1&sid=${sid}`);
  let status = 200;
  for (let i = 0; status === 200 && i < 10; i++) ({ status } = await poll());
  expect(status).toBe(400);
});

it('a Socket.IO 2 client may pass its scope in the address; an empty token there hides no header', async () => {
  const extraHeaders = { authorization: `Bearer ${anna.token}` };
  const more = { query: { token: '', scope: 'joined' }, transportOptions: { polling: { extraHeaders } } };
  const old = app.keep(OldClient.open(app.url, '', 'polling', more));
  await old.next('sync:required');
  const [mine, other] = [await app.chat(anna, boris), await app.group(anna, boris)];
  await old.ask('chat:join', { chat_id: mine.id });
  await borisDevice.send('chat:message:send', text(other, 'unjoined'));
  await borisDevice.send('chat:message:send', text(mine, 'joined'));
  await old.next('chat:message:new', ({ content }) => content === 'joined');
  expect(old.all('chat:message:new').filter(({ chat_id }) => chat_id === other.id)).toEqual([]);
  old.close();
});

it('current clients still cannot pass their token in the address', async () => {
  const answer = await fetch(`${app.url}/socket.io/?EIO=4&transport=polling&token=${anna.token}`);
  const { sid } = JSON.parse((await answer.text()).slice(1)) as { sid: string };
  const address = `${app.url}/socket.io/?EIO=4&transport=polling&token=${anna.token}&sid=${sid}`;
  await fetch(address, { method: 'POST', body: '40' });
  let received = '';
  while (!received.includes('error')) received += await (await fetch(address)).text();
  expect(received).toContain('Invalid token');
});
