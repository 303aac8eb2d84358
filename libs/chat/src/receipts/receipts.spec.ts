import type { PrismaService } from '#platform';
import { EventPublisher, EventQueue, Hub } from '#realtime';
import { Receipts } from './receipts.js';
import type { AdvancedCursor } from './read-cursors.sql.js';

const LARGE = 33;

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

it('large chats are counted one after the other, and a waiting chat once for all moves', async () => {
  const started: string[] = [];
  const finish: (() => void)[] = [];
  const prisma = {
    $queryRaw: (_: unknown, { values }: { values: string[] }) => {
      started.push(values[0]!);
      return new Promise<[]>((resolve) => finish.push(() => resolve([])));
    },
  };
  const publisher = new EventPublisher(new Hub());
  const receipts = new Receipts(prisma as unknown as PrismaService, publisher, new EventQueue(publisher));
  const move = (chat_id: string) =>
    receipts.publish([
      { chat_id, member_count: LARGE, old_read: 0, new_read: 1, old_delivered: 0, new_delivered: 1 },
    ] as AdvancedCursor[]);
  for (const chat of ['a', 'b', 'c', 'a']) move(chat);
  await jest.advanceTimersByTimeAsync(1000);
  expect(started).toEqual(['a']);
  // A second later, the second chat has not begun.
  for (const chat of ['b', 'c', 'b']) move(chat);
  await jest.advanceTimersByTimeAsync(1000);
  expect(started).toEqual(['a']);
  for (const done of ['b', 'c', 'c']) {
    finish.shift()!();
    await jest.advanceTimersByTimeAsync(1000);
    expect(started.at(-1)).toBe(done);
  }
  expect(started).toEqual(['a', 'b', 'c']);
  receipts.onModuleDestroy();
});
