import type { ChatDto } from '#contracts';
import { EventPublisher, Hub, type Connection } from '#realtime';
import type { ChatViews } from '../conversations/chat-views.js';
import { OwnChatUpdates } from './own-chat-updates.js';

const USER = 'anna';
const DEVICES = 200;
const CHATS = 5;

let updates: OwnChatUpdates;
/** The state of each chat in the database. */
let stored: Record<string, string>;
let shown: [id: string, state: string | null, except?: string][];
let failures: number;
beforeEach(() => {
  jest.useFakeTimers();
  [stored, shown, failures] = [{}, [], 0];
  const hub = new Hub();
  for (let i = 0; i < DEVICES; i++)
    hub.registerActive({
      id: `${i}`,
      userId: USER,
      sessionId: `${i}`,
      subscriptions: new Set(),
      protocol: { encode: () => undefined },
    } as unknown as Connection);
  hub.onDelivered(({ event, exceptConnection }) => {
    const { id, title } = event.payload as ChatDto;
    shown.push([id, title, exceptConnection]);
  });
  const views = {
    of: (_: string, id: string) =>
      failures-- > 0 ? Promise.reject(new Error('down')) : Promise.resolve([chatOf(id)]),
  };
  updates = new OwnChatUpdates(views as unknown as ChatViews, new EventPublisher(hub));
});
afterEach(() => {
  updates.onModuleDestroy();
  jest.useRealTimers();
});

const chatOf = (id: string) => ({ id, title: stored[id] }) as ChatDto;
const change = (id: string, state: string, device?: string) => {
  stored[id] = state;
  updates.show(USER, chatOf(id), device);
};

it('the first change is shown at once, later ones of all chats slowly, each chat once with its last state', async () => {
  for (let i = 0; i < 100; i++) change(`chat ${i % CHATS}`, `state ${i}`, 'phone');
  expect(shown).toEqual([['chat 0', 'state 0', 'phone']]);
  await jest.advanceTimersByTimeAsync(999);
  expect(shown).toHaveLength(1);
  await jest.advanceTimersByTimeAsync(1001);
  expect(shown).toHaveLength(3);
  await jest.advanceTimersByTimeAsync(60_000);
  expect(shown.slice(1).sort(([a], [b]) => a.localeCompare(b))).toEqual(
    Array.from({ length: CHATS }, (_, i) => [`chat ${i}`, `state ${95 + i}`, 'phone']),
  );
  change('chat 0', 'later');
  expect(shown.at(-1)).toEqual(['chat 0', 'later', undefined]);
});

it('a change by two devices is shown to both', async () => {
  change('other', 'x', 'phone');
  change('chat', 'by phone', 'phone');
  change('chat', 'by tablet', 'tablet');
  await jest.advanceTimersByTimeAsync(60_000);
  expect(shown.at(-1)).toEqual(['chat', 'by tablet', undefined]);
});

it('a change that cannot be read is shown later', async () => {
  change('other', 'x', 'phone');
  change('chat', 'y', 'phone');
  failures = 2;
  await jest.advanceTimersByTimeAsync(60_000);
  expect(shown).toEqual([
    ['other', 'x', 'phone'],
    ['chat', 'y', 'phone'],
  ]);
});
