import type { Account } from '#testing';
import { randomUUID } from 'node:crypto';
import { exchange, Scene } from './scene.js';

let scene: Scene;
let anna: Account;
let boris: Account;
beforeAll(async () => {
  scene = await Scene.start();
  [anna, boris] = await scene.app.people('Анна', 'Борис');
});
afterAll(() => scene.stop());

const count = async () => (await scene.app.rows('SELECT id FROM assistant_messages')).length;

describe('the connection stays after a refusal of', () => {
  it.each(['nonsense', '', 'Bearer x'])('the token %j', async (token) => {
    const client = await scene.app.assistant();
    expect(await client.ask('join_chat', { token }, 'error')).toMatchObject({
      message: 'Invalid authentication token',
    });
    const refused = await client.ask('create_chat', {}, 'error');
    expect(refused).toMatchObject({ message: 'Not authenticated' });
    client.send('join_chat', { token: anna.token });
    await client.ask('create_chat', {}, 'chat_created');
  });

  it('a chat of another user, and an unknown chat', async () => {
    const { chatId } = await scene.chat(anna);
    const secondDevice = await scene.signedIn(boris);
    for (const id of [chatId, randomUUID()])
      expect(await secondDevice.ask('join_chat', { token: boris.token, chatId: id }, 'error')).toMatchObject({
        message: 'Chat not found or access denied',
      });
    expect(await secondDevice.ask('message', { message: 'hers' }, 'error')).toMatchObject({
      message: 'Not authenticated or not in a chat',
    });
    expect(await scene.history({ account: anna, chatId })).toEqual([]);
  });

  it('messages, a stop and a regenerate before the client is signed in and in a chat', async () => {
    const stranger = await scene.app.assistant();
    for (const client of [stranger, await scene.signedIn(anna)])
      for (const type of ['message', 'stop', 'regenerate'])
        expect(await client.ask(type, { message: 'x' }, 'error')).toMatchObject({
          message: 'Not authenticated or not in a chat',
        });
  });

  it('frames without a meaning', async () => {
    const { client } = await scene.chat(anna);
    const before = await count();
    const refusal = async (frame: string | Buffer) => {
      const errors = client.all('error').length;
      client.sendRaw(frame);
      return await client.until(() => client.all('error')[errors], String(frame).slice(0, 50));
    };
    for (const frame of ['', 'x', '[]', 'null', '5', '"x"', '{}', '{"type":5}', '{"type":null,"data":{}}'])
      expect([frame, await refusal(frame)]).toEqual([
        frame,
        expect.objectContaining({ message: 'Invalid message format' }),
      ]);
    for (const binary of [Buffer.of(0, 255, 254, 128), Buffer.alloc(1000, 0xff)])
      expect(await refusal(binary)).toMatchObject({ message: 'Invalid message format' });
    const refused = client.all('error').length;
    for (const text of [Buffer.of(0, 255, 254, 128), Buffer.from('{"type":"stop","data":"\xff"}', 'latin1')])
      client.socket.send(text, { binary: false });
    await client.until(() => client.all('error').length === refused + 2 || undefined, 'two refusals');
    expect(client.all('error').at(-1)).toMatchObject({ message: 'Invalid message format' });
    const unknown = { message: 'Unknown message type' };
    for (const type of ['nonsense', '__proto__', 'constructor', 'toString', 'connected', 'x'.repeat(9999)])
      expect(await refusal(JSON.stringify({ type, data: {} }))).toMatchObject(unknown);
    const nested = `${'{"a":'.repeat(9000)}1${'}'.repeat(9000)}`;
    for (const frame of [`{"type":"message","data":${nested}}`, nested, '['.repeat(60_000)])
      expect(await refusal(frame)).toMatchObject({ message: expect.any(String) });
    expect(await count()).toBe(before);
    expect((await exchange(client, 'still here')).status).toBe('complete');
  });

  it.each([
    ['message', {}],
    ['message', { message: '' }],
    ['message', { message: '   ' }],
    ['message', { message: 5 }],
    ['message', { message: ['x'] }],
    ['message', { message: 'NUL \0' }],
    ['join_chat', {}],
    ['join_chat', { token: 5 }],
    ['join_chat', { token: 'x', chatId: {} }],
    ['join_chat', { token: 'x', chatId: 'nonsense' }],
    ['join_chat', { token: 'x', resume: 'x' }],
    ['join_chat', { token: 'x', resume: { messageId: randomUUID(), index: -2 } }],
    ['join_chat', { token: 'x', resume: { messageId: randomUUID(), index: 0.5 } }],
    ['create_chat', []],
    ['message', 'text'],
  ])('wrong fields: %s %j', async (type, data) => {
    const { client, chatId } = await scene.chat(anna);
    expect(await client.ask(type, data as object, 'error')).toMatchObject({ code: 'INVALID_DATA' });
    expect(await scene.history({ account: anna, chatId })).toEqual([]);
    expect((await exchange(client, 'still here')).status).toBe('complete');
  });

  it.each([65 * 1024, 1024 * 1024])('a frame of %d bytes', async (size) => {
    const { client, chatId } = await scene.chat(anna);
    const refused = await client.ask('message', { message: 'x'.repeat(size) }, 'error');
    expect(refused).toMatchObject({ code: 'MESSAGE_TOO_LARGE', message: expect.any(String) });
    expect(await scene.history({ account: anna, chatId })).toEqual([]);
    expect((await exchange(client, 'still here')).status).toBe('complete');
  });
});
