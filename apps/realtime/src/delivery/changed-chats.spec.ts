import type { ChatViews } from '#chat';
import { EventPublisher, Hub, chatTopic, type Connection } from '#realtime';
import { setImmediate as others } from 'node:timers/promises';
import { ChangedChats } from './changed-chats.js';

const range = (length: number) => Array.from({ length }, (_, i) => i);

/** Chats with the given numbers of devices. A look at a chat ends when the test ends it. */
async function changed(sizes: Record<string, number>, look: (chatId: string) => Promise<never[]>) {
  const entries = Object.entries(sizes);
  const hub = new Hub();
  for (const [chatId, size] of entries)
    for (const i of range(size)) {
      const userId = `${chatId}-${i}`;
      const connection = { id: userId, userId, sessionId: userId, subscriptions: new Set() };
      hub.registerActive(connection as unknown as Connection);
      hub.subscribe(connection as unknown as Connection, chatTopic(chatId));
    }
  const looks: string[] = [];
  const views = {
    async *ofMembers(chatId: string) {
      looks.push(chatId);
      yield* await look(chatId);
    },
  };
  const publisher = new EventPublisher(hub);
  const chats = new ChangedChats(hub, views as unknown as ChatViews, publisher);
  for (const [chatId] of entries) publisher.signal('chatChanged', { chatId, exceptUserIds: [] });
  for (const _ of range(10)) await others();
  return { chats, looks };
}

it('a chat that cannot be shown delays no other', async () => {
  const { chats, looks } = await changed({ broken: 1, a: 1, b: 1, c: 1, d: 1 }, (id) =>
    id === 'broken' ? Promise.reject(new Error('broken')) : Promise.resolve([]),
  );
  expect(looks).toEqual(['broken', 'a', 'b', 'c', 'd']);
  await chats.onModuleDestroy();
});

it('large chats are read one after the other, and delay no small ones', async () => {
  let finish!: () => void;
  const held = new Promise<never[]>((resolve) => (finish = () => resolve([])));
  const { chats, looks } = await changed({ large: 33, larger: 40, a: 32, b: 1, c: 1, d: 1 }, (id) =>
    id.startsWith('large') ? held : Promise.resolve([]),
  );
  expect(looks).toEqual(['large', 'a', 'b', 'c', 'd']);
  finish();
  for (const _ of range(10)) await others();
  expect(looks.at(-1)).toBe('larger');
  await chats.onModuleDestroy();
});

it('a slow small chat delays no other; with more than three slow ones the rest waits', async () => {
  let finish!: () => void;
  const held = new Promise<never[]>((resolve) => (finish = () => resolve([])));
  const { chats, looks } = await changed({ slow: 1, a: 1, slower: 1, b: 1, slowest: 1, c: 1 }, (id) =>
    id.startsWith('slow') ? held : Promise.resolve([]),
  );
  expect(looks).toEqual(['slow', 'a', 'slower', 'b', 'slowest']);
  finish();
  for (const _ of range(10)) await others();
  expect(looks.at(-1)).toBe('c');
  await chats.onModuleDestroy();
});
