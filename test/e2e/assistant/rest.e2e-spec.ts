import { ErrorBody } from '#contracts';
import { contractErrors, type Account } from '#testing';
import { randomUUID } from 'node:crypto';
import { byHand, exchange, Scene } from './scene.js';

interface Chat {
  id: string;
  title: string;
  created_at: string;
  updated_at: string;
}
interface Message {
  id: string;
  role: string;
  content: string;
  status: string;
  created_at: string;
}
type OneChat = Chat & { messages: Message[]; next_cursor: string | null };
interface Page {
  items: Chat[];
  next_cursor: string | null;
}

let scene: Scene;
let anna: Account;
beforeAll(async () => (scene = await Scene.start()));
afterAll(() => scene.stop());
beforeEach(async () => (anna = await scene.app.register('Анна')));

const DATE = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string;
const get = <T>(path: string, account = anna) => scene.app.request<T>('GET', path, account.token);
const made = async (account = anna) =>
  (await scene.app.request<Chat>('POST', 'assistant/chats', account.token)).body;

it('a chat made by REST can be joined by the socket, and the other way round', async () => {
  const { status, body } = await scene.app.request<Chat>('POST', 'assistant/chats', anna.token);
  expect(status).toBe(201);
  expect(body).toEqual({ id: expect.any(String), title: 'Новый чат', created_at: DATE, updated_at: DATE });
  const { client, joined } = await scene.join({ account: anna, chatId: body.id });
  expect(joined).toEqual({ chatId: body.id, title: 'Новый чат', messages: [], nextCursor: null });
  const complete = await exchange(client, 'Вопрос');

  const { body: found } = await get<OneChat>(`assistant/chats/${body.id}`);
  expect(found).toEqual({
    ...body,
    title: 'Вопрос',
    updated_at: DATE,
    messages: expect.any(Array),
    next_cursor: null,
  });
  expect(found.updated_at > body.updated_at).toBe(true);
  const message = { id: expect.any(String), status: 'complete', created_at: DATE };
  const inOrder = [...found.messages].sort((a, b) => a.created_at.localeCompare(b.created_at));
  expect(inOrder).toEqual([
    { ...message, role: 'user', content: 'Вопрос' },
    { ...message, role: 'assistant', content: 'Да, конечно.', id: complete.messageId },
  ]);
  const { chatId } = await client.ask('create_chat', {}, 'chat_created');
  const { items } = (await get<Page>('assistant/chats')).body;
  expect(new Set(items.map(({ id }) => id))).toEqual(new Set([body.id, chatId]));
});

it('REST lists chats in pages, latest used first, without a gap or a duplicate', async () => {
  const chats: Chat[] = [];
  for (let i = 0; i < 7; i++) chats.push(await made());
  await made(await scene.app.register('Борис'));
  const { client } = await scene.join({ account: anna, chatId: chats[2]!.id });
  await exchange(client, 'Вопрос');
  const ids: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const { body }: { body: Page } = await get<Page>(
      `assistant/chats?limit=3${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    expect(body.items.length).toBeLessThanOrEqual(3);
    ids.push(...body.items.map(({ id }) => id));
    cursor = body.next_cursor;
  }
  const others = chats.filter((_, i) => i !== 2).reverse();
  expect(ids).toEqual([chats[2]!, ...others].map(({ id }) => id));
});

it('REST pages through a chat’s messages', async () => {
  const { client, chatId } = await scene.chat(anna);
  for (let i = 0; i < 6; i++) await exchange(client, `Вопрос ${i}`);
  const contents: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const { status, body }: { status: number; body: OneChat } = await get<OneChat>(
      `assistant/chats/${chatId}?limit=5${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    expect(status).toBe(200);
    expect(body.messages.length).toBeLessThanOrEqual(5);
    contents.push(...body.messages.filter(({ role }) => role === 'user').map(({ content }) => content));
    cursor = body.next_cursor;
  }
  expect([...contents].sort((a, b) => a.localeCompare(b))).toEqual(
    [0, 1, 2, 3, 4, 5].map((i) => `Вопрос ${i}`),
  );
});

it('a deleted chat is gone with its messages, also for devices in it', async () => {
  const { client, chatId } = await scene.chat(anna);
  await exchange(client, 'Вопрос');
  scene.model.answerWith({ tokens: byHand() });
  const aborted = scene.model.aborted;
  await scene.begin(client, 'Долгий вопрос');
  expect((await scene.app.request('DELETE', `assistant/chats/${chatId}`, anna.token)).status).toBe(204);
  await client.next('error', ({ code }) => code === 'NOT_FOUND');
  expect((await get(`assistant/chats/${chatId}`)).status).toBe(404);
  expect((await get<Page>('assistant/chats')).body.items).toEqual([]);
  await scene.model.until(() => scene.model.aborted === aborted + 1, 'the model request was not aborted');
  const { message } = await client.ask('message', { message: 'noch da?' }, 'error');
  expect(message).toEqual(expect.any(String));
  const rejoined = await client.ask('join_chat', { token: anna.token, chatId }, 'error');
  expect(rejoined).toMatchObject({ message: 'Chat not found or access denied' });
  const left = await scene.app.rows('SELECT 1 FROM assistant_messages WHERE chat_id = $1', [chatId]);
  expect(left).toEqual([]);
  await client.ask('create_chat', {}, 'chat_created');
  expect((await exchange(client, 'Вопрос')).status).toBe('complete');
});

it('a chat of another user is not found', async () => {
  const { chatId, client } = await scene.chat(anna);
  await exchange(client, 'Вопрос');
  const boris = await scene.app.register('Борис');
  for (const [method, id] of [
    ['GET', chatId],
    ['DELETE', chatId],
    ['GET', randomUUID()],
    ['DELETE', randomUUID()],
  ] as const) {
    const { status, body } = await scene.app.request<ErrorBody>(method, `assistant/chats/${id}`, boris.token);
    expect([method, status, body.code]).toEqual([method, 404, 'NOT_FOUND']);
    expect(contractErrors(ErrorBody, body)).toEqual([]);
  }
  expect((await get<Page>('assistant/chats', boris)).body.items).toEqual([]);
  expect(await scene.history({ account: anna, chatId })).toHaveLength(2);
});

it('an invalid id, cursor or limit is INVALID_DATA', async () => {
  for (const path of ['assistant/chats/nonsense', 'assistant/chats?cursor=x', 'assistant/chats?limit=0']) {
    const { status, body } = await get<ErrorBody>(path);
    expect([path, status, body.code]).toEqual([path, 400, 'INVALID_DATA']);
  }
});
