import { chatRoom } from '#platform';
import type { ChatViews } from '#chat';
import type { Namespace } from 'socket.io';
import { setImmediate as others } from 'node:timers/promises';
import { ChangedChats } from './changed-chats.js';

const range = (length: number) => Array.from({ length }, (_, i) => i);

interface Adapter {
  rooms: Map<string, Set<string>>;
  onChatChanged?: (room: string, except: Set<string>) => void;
}

/** Chats with the given numbers of devices. A look at a chat ends when the test ends it. */
async function changed(sizes: Record<string, number>, look: (chatId: string) => Promise<never[]>) {
  const entries = Object.entries(sizes);
  const socketsOf = (id: string, size: number) => range(size).map((i) => `${id}-${i}`);
  const ids = entries.flatMap(([id, size]) => socketsOf(id, size));
  const adapter: Adapter = {
    rooms: new Map(entries.map(([id, size]) => [chatRoom(id), new Set(socketsOf(id, size))])),
  };
  const sockets = new Map(ids.map((id) => [id, { data: { user: { userId: id } } }]));
  const looks: string[] = [];
  const views = {
    async *ofMembers(chatId: string) {
      looks.push(chatId);
      yield* await look(chatId);
    },
  };
  const chats = new ChangedChats(views as unknown as ChatViews);
  chats.watch([{ adapter, sockets } as unknown as Namespace]);
  for (const [id] of entries) adapter.onChatChanged!(chatRoom(id), new Set());
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
