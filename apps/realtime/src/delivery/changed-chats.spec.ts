import type { ChatDto } from '#contracts';
import type { ChatViews } from '#chat';
import { EventPublisher, Hub, chatTopic, type Connection } from '#realtime';
import { setImmediate as others } from 'node:timers/promises';
import { ChangedChats } from './changed-chats.js';

const range = (length: number) => Array.from({ length }, (_, i) => i);

let hub: Hub;
let publisher: EventPublisher;
let chats: ChangedChats;
/** The ids of the chats that were read, in order. */
let looks: string[];
/** A look at a chat ends when the test ends it. */
let look: (chatId: string) => Promise<void>;
/** The state of each chat in the database. */
let stored: Record<string, string>;
/** The frames of each device. */
let received: Record<string, [chatId: string, state: string | null][]>;
beforeEach(() => {
  [looks, stored, received] = [[], {}, {}];
  look = () => Promise.resolve();
  hub = new Hub();
  publisher = new EventPublisher(hub);
  const views = {
    async *ofMembers(chatId: string, userIds: string[]) {
      looks.push(chatId);
      await look(chatId);
      yield { chat: { id: chatId, title: stored[chatId], member_count: 2 }, userIds };
    },
  };
  chats = new ChangedChats(hub, views as unknown as ChatViews, publisher);
});
afterEach(() => chats.onModuleDestroy());

/** A device that is in these chats. */
function connect(id: string, userId: string, ...chatIds: string[]): Connection {
  received[id] = [];
  const connection = {
    id,
    userId,
    sessionId: id,
    subscriptions: new Set(),
    protocol: { encode: () => ({}) },
    send: (_: object, { payload }: { payload: ChatDto }) => received[id]!.push([payload.id, payload.title]),
  } as unknown as Connection;
  hub.registerActive(connection);
  for (const chatId of chatIds) hub.subscribe(connection, chatTopic(chatId));
  return connection;
}

const change = (
  chatId: string,
  state = '',
  only: { onlyUserIds?: string[]; exceptConnection?: string } = {},
) => {
  stored[chatId] = state;
  publisher.signal('chatChanged', { chatId, onlyUserIds: [], exceptUserIds: [], ...only });
};

describe('reads', () => {
  /** Changes chats with the given numbers of devices. */
  const changed = async (sizes: Record<string, number>) => {
    for (const [chatId, size] of Object.entries(sizes))
      for (const i of range(size)) connect(`${chatId}-${i}`, `${chatId}-${i}`, chatId);
    for (const chatId of Object.keys(sizes)) change(chatId);
    for (const _ of range(10)) await others();
  };

  it('a chat that cannot be shown delays no other', async () => {
    look = (id) => (id === 'broken' ? Promise.reject(new Error('broken')) : Promise.resolve());
    await changed({ broken: 1, a: 1, b: 1, c: 1, d: 1 });
    expect(looks).toEqual(['broken', 'a', 'b', 'c', 'd']);
  });

  it('large chats are read one after the other, and delay no small ones', async () => {
    let finish!: () => void;
    const held = new Promise<void>((resolve) => (finish = resolve));
    look = (id) => (id.startsWith('large') ? held : Promise.resolve());
    await changed({ large: 33, larger: 40, a: 32, b: 1, c: 1, d: 1 });
    expect(looks).toEqual(['large', 'a', 'b', 'c', 'd']);
    finish();
    for (const _ of range(10)) await others();
    expect(looks.at(-1)).toBe('larger');
  });

  it('a chat that waits for one user and then for everybody is read once, as a large one', async () => {
    let finish!: () => void;
    const held = new Promise<void>((resolve) => (finish = resolve));
    look = (id) => (id.startsWith('slow') ? held : Promise.resolve());
    for (const i of range(40)) connect(`${i}`, `${i}`, 'large');
    for (const id of ['slow', 'slower', 'slowest']) connect(id, id, id);
    for (const id of ['slow', 'slower', 'slowest']) change(id);
    change('large', 'own', { onlyUserIds: ['0'] });
    change('large', 'new');
    for (const _ of range(10)) await others();
    expect(looks).toEqual(['slow', 'slower', 'slowest', 'large']);
    finish();
    for (const _ of range(10)) await others();
    expect(looks).toHaveLength(4);
    for (const i of range(40)) expect(received[i]).toEqual([['large', 'new']]);
  });

  it('a slow small chat delays no other; with more than three slow ones the rest waits', async () => {
    let finish!: () => void;
    const held = new Promise<void>((resolve) => (finish = resolve));
    look = (id) => (id.startsWith('slow') ? held : Promise.resolve());
    await changed({ slow: 1, a: 1, slower: 1, b: 1, slowest: 1, c: 1 });
    expect(looks).toEqual(['slow', 'a', 'slower', 'b', 'slowest']);
    finish();
    for (const _ of range(10)) await others();
    expect(looks.at(-1)).toBe('c');
  });
});

describe('a user with many devices', () => {
  const DEVICES = 200;
  const CHATS = range(5).map((i) => `chat ${i}`);
  let devices: Connection[];
  beforeEach(() => {
    jest.useFakeTimers();
    devices = range(DEVICES).map((i) => connect(`${i}`, 'anna', ...CHATS));
    connect('boris', 'boris', ...CHATS);
  });
  afterEach(() => jest.useRealTimers());

  const byAnna = (device: number) => ({ onlyUserIds: ['anna'], exceptConnection: `${device}` });
  const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);
  const byId = (frames: [chatId: string, state: string | null][]) =>
    [...frames].sort(([a], [b]) => a.localeCompare(b));

  it('is shown their first change at once, and later ones of all chats slowly, each with its last state', async () => {
    change(CHATS[0]!, 'first', byAnna(0));
    await pass(0);
    expect(received[1]).toEqual([[CHATS[0], 'first']]);
    for (const i of range(100)) change(CHATS[i % 5]!, `state ${i}`, byAnna(0));
    await pass(990);
    expect(received[1]).toHaveLength(1);
    await pass(1010);
    expect(received[1]).toHaveLength(3);
    await pass(60_000);
    const last = CHATS.map((id, i) => [id, `state ${95 + i}`]);
    for (const i of range(DEVICES).slice(1)) expect(byId(received[i]!.slice(1))).toEqual(last);
    expect(received[0]).toEqual([]);
    expect(received.boris).toEqual([]);
    change(CHATS[0]!, 'later', byAnna(1));
    await pass(0);
    expect(received[0]).toEqual([[CHATS[0], 'later']]);
  });

  it('receives a change by two devices on both', async () => {
    change(CHATS[0]!, 'first', byAnna(0));
    change(CHATS[1]!, 'by phone', byAnna(0));
    change(CHATS[1]!, 'by tablet', byAnna(1));
    await pass(60_000);
    for (const i of [0, 1]) expect(received[i]!.at(-1)).toEqual([CHATS[1], 'by tablet']);
  });

  it('is shown a change later that cannot be read', async () => {
    let failures = 2;
    look = () => (failures-- > 0 ? Promise.reject(new Error('down')) : Promise.resolve());
    change(CHATS[0]!, 'x', byAnna(0));
    change(CHATS[1]!, 'y', byAnna(0));
    await pass(60_000);
    for (const i of range(DEVICES).slice(1))
      expect(byId(received[i]!)).toEqual([
        [CHATS[0], 'x'],
        [CHATS[1], 'y'],
      ]);
  });

  it('is shown changed groups slowly, too, and delays no other member', async () => {
    for (const id of CHATS) change(id, 'old');
    await pass(200);
    for (const id of CHATS) change(id, 'new');
    await pass(200);
    expect(byId(received.boris!)).toEqual(
      CHATS.flatMap((id) => [
        [id, 'old'],
        [id, 'new'],
      ]),
    );
    expect(received[0]).toHaveLength(1);
    await pass(3600);
    expect(received[0]!.length).toBeLessThan(6);
    await pass(60_000);
    expect(byId(received[0]!.slice(1)).filter(([, state]) => state === 'old')).toEqual([]);
    expect(new Set(received[0]!.slice(1).map(([id]) => id))).toEqual(new Set(CHATS));
  });

  it('is shown each of many busy chats in turn', async () => {
    for (const i of range(120)) {
      await pass(50);
      for (const id of CHATS) change(id, `${i}`);
    }
    expect(new Set(received[0]!.map(([id]) => id))).toEqual(new Set(CHATS));
    await pass(60_000);
    for (const id of CHATS) expect(received[0]!.findLast(([shown]) => shown === id)).toEqual([id, '119']);
  });

  it('keeps nothing waiting for closed connections', async () => {
    for (const id of CHATS) change(id, '', byAnna(0));
    await pass(200);
    const waiting = () => chats['restingUsers'].get('anna')!.due.get(CHATS[4]!) as ReadonlySet<Connection>;
    expect(waiting().size).toBe(DEVICES - 1);
    for (const device of devices.slice(11)) hub.remove(device);
    change(CHATS[4]!, '', byAnna(0));
    await pass(200);
    expect(waiting().size).toBe(10);
    for (const device of devices) hub.remove(device);
    await pass(1000);
    expect(jest.getTimerCount()).toBe(0);
  });
});
