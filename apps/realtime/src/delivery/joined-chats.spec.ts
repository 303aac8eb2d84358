import type { ChatViews } from '#chat';
import { EventPublisher, Hub, chatTopic } from '#realtime';
import type { DeviceConnection } from '../connections/device-connection.js';
import { ChangedChats } from './changed-chats.js';
import { JoinedChats } from './joined-chats.js';

const CHATS = ['a', 'b', 'c', 'd', 'e'];
const DEVICES = 200;

let hub: Hub;
let changed: ChangedChats;
let joined: JoinedChats;
let reads: string[];
beforeEach(() => {
  jest.useFakeTimers();
  [hub, reads] = [new Hub(), []];
  const views = {
    async *ofMembers(chatId: string, userIds: string[]) {
      reads.push(chatId);
      yield await Promise.resolve({ chat: { id: chatId, member_count: 2 }, userIds });
    },
  };
  changed = new ChangedChats(hub, views as unknown as ChatViews, new EventPublisher(hub));
  joined = new JoinedChats(changed);
});
afterEach(async () => {
  joined.onModuleDestroy();
  await changed.onModuleDestroy();
  jest.useRealTimers();
});

/** A device of the joined scope that has joined nothing. */
function connect(userId: string) {
  const shown: string[] = [];
  const device = {
    id: `${userId} ${Math.random()}`,
    userId,
    sessionId: userId,
    subscriptions: new Set(),
    protocol: { encode: () => [] },
    send: (_: object, { payload }: { payload: { id: string } }) => shown.push(payload.id),
  } as unknown as DeviceConnection;
  hub.registerActive(device);
  for (const id of CHATS) hub.subscribe(device, chatTopic(id));
  joined.limit(device);
  return { device, shown };
}

const message = (device: DeviceConnection, chat_id: string) =>
  device.accepts!({ name: 'chat:message:new', payload: { chat_id } } as never);

it('messages of a round are shown by one read of their chat, to the devices that did not receive them', async () => {
  const [anna, boris, vera] = [connect('anna'), connect('boris'), connect('vera')];
  for (const { device } of [anna, anna, boris]) expect(message(device, 'a')).toBe(false);
  message(boris.device, 'b');
  await jest.advanceTimersByTimeAsync(490);
  expect(reads).toEqual([]);
  await jest.advanceTimersByTimeAsync(10);
  expect(reads).toEqual(['a', 'b']);
  expect([anna.shown, boris.shown, vera.shown]).toEqual([['a'], ['a', 'b'], []]);
  message(anna.device, 'a');
  await jest.advanceTimersByTimeAsync(1000);
  expect(reads).toEqual(['a', 'b', 'a']);
});

it('messages in many chats are shown slowly to a user with many devices, and every chat at last', async () => {
  const devices = Array.from({ length: DEVICES }, () => connect('anna'));
  for (const id of CHATS) for (const { device } of devices) message(device, id);
  const boris = connect('boris');
  for (const id of CHATS) message(boris.device, id);
  await jest.advanceTimersByTimeAsync(500);
  expect(boris.shown).toEqual(CHATS);
  for (const { shown } of devices) expect(shown).toEqual(['a']);
  await jest.advanceTimersByTimeAsync(1990);
  for (const { shown } of devices) expect(shown).toEqual(['a', 'b']);
  await jest.advanceTimersByTimeAsync(60_000);
  for (const { shown } of devices) expect(shown).toEqual(CHATS);
});
