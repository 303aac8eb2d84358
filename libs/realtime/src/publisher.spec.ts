import type { PayloadOf } from '#contracts';
import { WORK } from '#platform';
import { EventQueue } from './publisher.js';
import { Hub } from './hub/hub.js';
import { EventPublisher } from './publisher.js';

const { packets: MAX_PACKETS, together: MAX_TOGETHER, waiting: MAX_WAITING } = WORK.queuedEvents.most;

let turns: { user: string; ids: string[]; event: string }[][];
let devices: Record<string, number>;
let queue: EventQueue;
beforeEach(() => {
  turns = [];
  devices = {};
  const publisher = new EventPublisher(new Hub());
  publisher.audience = ({ id }) => devices[id] ?? 0;
  publisher.publishEach = ({ id: user }, event, payloads) => {
    const ids = (payloads as PayloadOf<'chat:message:read'>[]).map(({ message_id }) => message_id);
    turns.at(-1)!.push({ user, ids, event });
  };
  queue = new EventQueue(publisher);
});

const receipts = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => ({
    message_id: String(from + i),
    chat_id: 'chat',
    read_at: '',
    delivered_at: '',
  }));

/** Runs the event loop until nothing is published in a turn. */
async function run() {
  do {
    turns.push([]);
    await new Promise(setImmediate);
  } while (turns.at(-1)!.length > 0);
}
const packetsOf = (turn: (typeof turns)[number]) =>
  turn.reduce((sum, { user, ids }) => sum + ids.length * (devices[user] ?? 1), 0);

it('publishes a bounded number of packets in a turn of the event loop', async () => {
  devices = { anna: 300, boris: 200 };
  queue.add('anna', 'chat:message:delivered', receipts(1000));
  queue.add('boris', 'chat:message:delivered', receipts(1000));
  await run();
  const published = turns.flat().reduce((sum, { ids }) => sum + ids.length, 0);
  expect(published).toBe(2000);
  expect(Math.max(...turns.map(packetsOf))).toBeLessThanOrEqual(MAX_PACKETS);
});

it('publishes a bounded number of commands in a turn on a node without devices', async () => {
  for (let i = 0; i < 1000; i++) queue.add(`user ${i}`, 'chat:message:read', receipts(1));
  await run();
  expect(turns.flat()).toHaveLength(1000);
  expect(Math.max(...turns.map((turn) => turn.length))).toBeLessThanOrEqual(MAX_PACKETS / MAX_TOGETHER);
});

it('publishes the events of a user in order', async () => {
  devices = { anna: 300 };
  queue.add('anna', 'chat:message:delivered', receipts(100));
  queue.add('anna', 'chat:message:read', receipts(100));
  turns.push([]);
  await new Promise(setImmediate);
  queue.add('anna', 'chat:message:delivered', receipts(10, 100));
  await run();
  const of = (event: string) =>
    turns.flat().flatMap((part) => (part.event === `chat:message:${event}` ? part.ids : []));
  expect(of('delivered')).toEqual(receipts(110).map(({ message_id }) => message_id));
  expect(of('read')).toEqual(receipts(100).map(({ message_id }) => message_id));
  const names = turns.flat().map(({ event }) => event.split(':')[2]);
  expect(names.filter((name, i) => name !== names[i - 1])).toEqual(['delivered', 'read', 'delivered']);
});

it('does not let a user with many events delay another', async () => {
  devices = { anna: 300, boris: 1 };
  queue.add('anna', 'chat:message:read', receipts(1000));
  queue.add('boris', 'chat:message:read', receipts(1));
  await run();
  expect(turns.findIndex((turn) => turn.some(({ user }) => user === 'boris'))).toBeLessThan(2);
});

it('publishes for more devices than a turn allows', async () => {
  devices = { anna: MAX_PACKETS };
  queue.add('anna', 'chat:message:read', receipts(20));
  await run();
  expect(turns.flat().flatMap(({ ids }) => ids)).toHaveLength(20);
});

it('has room again after it was full', async () => {
  queue.add('anna', 'chat:message:read', receipts(MAX_WAITING));
  expect(queue.isFull).toBe(true);
  turns.push([]);
  await queue.hasRoom();
  expect(queue.isFull).toBe(false);
});
