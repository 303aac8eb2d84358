import { CLIENT_EVENTS, type ChatDto, type ClientEvent } from '#contracts';
import { Device, TestApp, text, type Account } from '#testing';
import { randomUUID } from 'node:crypto';

let app: TestApp;
let boris: Account;
let stranger: Account;
/** Of others. */
let chat: ChatDto;
let message: string;
let device: Device;
let heard: Device;
beforeAll(async () => {
  app = await TestApp.start();
  const [anna, b, gleb] = await app.people('Анна', 'Борис', 'Глеб');
  [boris, stranger] = [b, gleb];
  chat = await app.group(anna, boris);
  [heard, device] = await app.devices(anna, stranger);
  message = (await heard.send('chat:message:send', text(chat, 'ours'))).message_id;
});
afterAll(() => app.stop());

/** Each event's payload about a chat, or about a message of it; or why strangers may send it. */
const ABOUT: Record<
  ClientEvent,
  ((chat_id: string, message_id: string) => object) | 'of one’s own' | 'open'
> = {
  'auth:refresh': 'of one’s own',
  'chat:message:send': (id) => text({ id }),
  'chat:message:edit': (_, message_id) => ({ message_id, content: 'theirs' }),
  'chat:message:delete': (_, message_id) => ({ message_id }),
  'chat:message:pin': (_, message_id) => ({ message_id }),
  'chat:message:unpin': (_, message_id) => ({ message_id }),
  'chat:message:forward': (to_chat_id, message_id) => ({ to_chat_id, message_ids: [message_id] }),
  'chat:message:react': (_, message_id) => ({ message_id, emoji: '👍', on: true }),
  'chat:message:read': (chat_id, message_id) => ({ chat_id, message_id }),
  'chat:message:delivered': (chat_id, message_id) => ({ chat_id, message_id }),
  'chat:typing': (chat_id) => ({ chat_id, is_typing: true }),
  'chat:join': (chat_id) => ({ chat_id }),
  'chat:leave': (chat_id) => ({ chat_id }),
  'chat:get': 'open',
  'chat:pins': (chat_id) => ({ chat_id }),
  'chat:mute': (chat_id) => ({ chat_id, muted: true }),
  'chat:archive': (chat_id) => ({ chat_id, archived: true }),
  'notification:read': 'of one’s own',
  'users:list': 'open',
  'presence:get': 'open',
  'presence:watch': 'open',
};

it('every event has its place in this table', () => {
  expect(Object.keys(ABOUT).sort()).toEqual(Object.keys(CLIENT_EVENTS).sort());
});

const guarded = Object.entries(ABOUT).flatMap(([event, about]) =>
  typeof about === 'function' ? [[event as ClientEvent, about] as const] : [],
);

it.each(guarded)('%s is refused to a stranger, and does nothing', async (event, about) => {
  const before = heard.heard.length;
  const stored = JSON.stringify(await app.rows('SELECT * FROM messages'));
  expect((await device.send(event, about(chat.id, message))).code).toBe('FORBIDDEN');
  const unknown = await device.send(event, about(randomUUID(), randomUUID()));
  expect(unknown.code).toBe(event.match(/edit|delete|react|pin$/) ? 'NOT_FOUND' : 'CHAT_NOT_FOUND');
  await heard.settled();
  expect(heard.heard.slice(before)).toEqual([]);
  expect(JSON.stringify(await app.rows('SELECT * FROM messages'))).toBe(stored);
});

/** What each route about a chat needs to get as far as asking who it is. */
const BODIES: Record<string, object | undefined> = {
  'GET /api/v2/chats/{id}': undefined,
  'PATCH /api/v2/chats/{id}': { title: 'theirs' },
  'GET /api/v2/chats/{id}/members': undefined,
  'POST /api/v2/chats/{id}/members': { user_ids: ['$stranger'] },
  'PATCH /api/v2/chats/{id}/members/{user_id}': { role: 'admin' },
  'DELETE /api/v2/chats/{id}/members/{user_id}': undefined,
  'PUT /api/v2/chats/{id}/mute': undefined,
  'DELETE /api/v2/chats/{id}/mute': undefined,
  'PUT /api/v2/chats/{id}/archive': undefined,
  'DELETE /api/v2/chats/{id}/archive': undefined,
  'POST /api/v2/chats/{id}/read': { message_id: '$message' },
  'POST /api/v2/chats/{id}/delivered': { message_id: '$message' },
  'GET /api/v2/chats/{id}/messages': undefined,
  'POST /api/v2/chats/{id}/messages': { type: 'text', content: 'theirs' },
  'POST /api/v2/chats/{id}/forward': { message_ids: ['$message'] },
  'GET /api/v2/chats/{id}/pins': undefined,
  'PUT /api/v2/chats/{id}/messages/{message_id}/pin': undefined,
  'DELETE /api/v2/chats/{id}/messages/{message_id}/pin': undefined,
  'GET /api/v2/chats/{id}/messages/search': undefined,
  'GET /api/v2/chats/{id}/changes': undefined,
  'GET /api/v2/chats/{id}/messages/{message_id}/receipts': undefined,
  'PATCH /api/v2/chats/{id}/messages/{message_id}': { content: 'theirs' },
  'DELETE /api/v2/chats/{id}/messages/{message_id}': undefined,
  'POST /api/v2/chats/{id}/messages/{message_id}/accept': { starts_at: '2030-01-01T09:00:00.000Z' },
  'POST /api/v2/chats/{id}/messages/{message_id}/reactions': { emoji: '👍', on: true },
};

it('every route about a chat has its place in this table', async () => {
  const { paths } = (await (await fetch(`${app.url}/docs-json`)).json()) as { paths: Record<string, object> };
  const routes = Object.entries(paths)
    .filter(([path]) => path.startsWith('/api/v2/chats/{id}'))
    .flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
  expect(Object.keys(BODIES).sort()).toEqual(routes.sort());
});

it.each(Object.keys(BODIES))('%s is refused to a stranger', async (route) => {
  const [method, path] = route.split(' ') as [string, string];
  const ask = (chat_id: string, message_id: string) => {
    const filled = path
      .replace('{id}', chat_id)
      .replace('{message_id}', message_id)
      .replace('{user_id}', boris.id);
    const body = JSON.stringify(BODIES[route])
      ?.replace('$message', message_id)
      .replace('$stranger', stranger.id);
    const address = filled + (path.endsWith('/search') ? '?query=ours' : '');
    return app.request(method, address, stranger.token, body && (JSON.parse(body) as object));
  };
  const refused = await ask(chat.id, message);
  expect([refused.status, refused.body.code]).toEqual([403, 'FORBIDDEN']);
  const unknown = await ask(randomUUID(), randomUUID());
  expect([unknown.status, unknown.body.code]).toEqual([404, 'CHAT_NOT_FOUND']);
  const [{ count }] = (await app.rows('SELECT count(*)::int FROM messages')) as [{ count: number }];
  expect(count).toBe(1);
});
