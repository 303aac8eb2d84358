import type { MessageStatus } from '#contracts';
import { PrismaService } from '#platform';
import { TestApp, type Account } from '#testing';
import fc from 'fast-check';
import { memberViews } from './shown-cursors.js';

let app: TestApp;
let anna: Account;
beforeAll(async () => {
  app = await TestApp.start();
  anna = await app.register('Анна');
});
afterAll(() => app.stop());

type Pair = [blocker: string, blocked: string];

/** A group of Anna and others with one message of Anna's. */
async function group(ids: string[]): Promise<{ chatId: string; messageId: string }> {
  const chat = await app.group(anna, ...ids.map((id) => ({ id })));
  const [message] = await app.rows<{ id: string }>(
    `INSERT INTO messages (id, chat_id, seq, sender_id, type, content, created_at)
     VALUES (gen_random_uuid(), $1, 1, $2, 'text', '', now()) RETURNING id`,
    [chat.id, anna.id],
  );
  return { chatId: chat.id, messageId: message!.id };
}

const block = (pairs: Pair[]) =>
  app.rows(
    `INSERT INTO blocks (blocker_id, blocked_id, blocker_name, blocker_handle, blocked_name, blocked_handle)
     SELECT a::uuid, b::uuid, 'a', 'a', 'b', 'b' FROM unnest($1::text[], $2::text[]) AS p(a, b)`,
    [pairs.map(([blocker]) => blocker), pairs.map(([, blocked]) => blocked)],
  );

it('the status of a message counts only the members that the viewer may see, for any cursors and blocks', async () => {
  const manyPeople = await app.manyPeople(4);
  const ids = [anna.id, ...manyPeople];
  const { chatId, messageId } = await group(manyPeople);
  const scene = fc.record({
    /** By member: 0 sent, 1 delivered, 2 read. */
    marks: fc.array(fc.nat(2), { minLength: 5, maxLength: 5 }),
    blocks: fc.uniqueArray(
      fc.tuple(fc.nat(4), fc.nat(4)).filter(([a, b]) => a !== b),
      { selector: ([a, b]) => a * 5 + b, maxLength: 12 },
    ),
  });
  const property = fc.asyncProperty(scene, async ({ marks, blocks }) => {
    await app.rows('DELETE FROM blocks');
    await block(blocks.map(([a, b]) => [ids[a]!, ids[b]!]));
    await app.rows(
      `UPDATE chat_members SET last_read_seq = (m.mark = 2)::int, last_delivered_seq = (m.mark > 0)::int
       FROM unnest($2::uuid[], $3::int[]) AS m(id, mark) WHERE chat_id = $1 AND user_id = m.id`,
      [chatId, ids, marks],
    );
    const areCut = (a: number, b: number) =>
      blocks.some(([x, y]) => (x === a && y === b) || (x === b && y === a));
    const expected = (viewer: number | null): MessageStatus => {
      const seen = [1, 2, 3, 4].filter((other) => viewer === null || !areCut(viewer, other));
      const lowest = seen.length > 0 ? Math.min(...seen.map((other) => marks[other]!)) : 0;
      return (['sent', 'delivered', 'read'] as const)[lowest]!;
    };
    const { hiddenFor, apart, statusFor } = await memberViews(
      app.app.get(PrismaService),
      chatId,
      [anna.id, ids[1]!],
      messageId,
    );
    expect(statusFor(null)).toBe(expected(null));
    for (const [i, id] of ids.entries()) {
      const cutFrom = [0, 1].filter((other) => other !== i && areCut(i, other)).map((other) => ids[other]);
      expect(statusFor(id)).toBe(expected(i));
      expect(new Set(Object.keys(hiddenFor(id) ?? {}))).toEqual(new Set(cutFrom));
      expect(apart.has(id)).toBe(cutFrom.length > 0 || expected(i) !== expected(null));
    }
  });
  await fc.assert(property, { numRuns: 150 });
});

it('in a group where all block each other, only the blocks of the given members are read', async () => {
  const members = await app.manyPeople(60);
  const { chatId, messageId } = await group(members);
  await block(members.flatMap((a) => members.filter((b) => b !== a).map((b): Pair => [a, b])));
  const prisma = app.app.get(PrismaService);
  const { hiddenFor, apart } = await memberViews(prisma, chatId, [members[0]!], messageId);
  expect(apart.size).toBe(59);
  for (const viewer of apart) expect(Object.keys(hiddenFor(viewer)!)).toEqual([members[0]]);
  const read = jest.spyOn(prisma, '$queryRaw');
  const all = await memberViews(prisma, chatId, members, messageId);
  const results = (await Promise.all(read.mock.results.map(({ value }) => value as unknown))) as object[][];
  read.mockRestore();
  // A row of each viewer, not of each block.
  expect(Math.max(...results.map(({ length }) => length))).toBe(60);
  for (const viewer of members) expect(Object.keys(all.hiddenFor(viewer)!)).toHaveLength(59);
});
