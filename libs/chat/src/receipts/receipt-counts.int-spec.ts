import { PrismaService } from '#platform';
import { TestApp } from '#testing';
import fc from 'fast-check';
import { newestOfSenders, type SeenRow } from './receipts.sql.js';

const PEOPLE = 5;
const MESSAGES = 6;

let app: TestApp;
beforeAll(async () => (app = await TestApp.start()));
afterAll(() => app.stop());

const person = fc.nat(PEOPLE - 1);

it('the counts have each member with the mark but the sender, former members and people across a block', async () => {
  const anna = await app.register('Анна');
  const others = await app.manyPeople(PEOPLE - 1);
  const chat = await app.group(anna, ...others.map((id) => ({ id })));
  const ids = [anna.id, ...others];
  const scene = fc.record({
    members: fc.array(fc.record({ read: fc.nat(MESSAGES), delivered: fc.nat(MESSAGES), left: fc.nat(4) }), {
      minLength: PEOPLE,
      maxLength: PEOPLE,
    }),
    senders: fc.array(person, { minLength: MESSAGES, maxLength: MESSAGES }),
    blocks: fc.uniqueArray(fc.tuple(person, person), { maxLength: 6, selector: String }),
    after: fc.nat(MESSAGES),
  });
  await fc.assert(
    fc.asyncProperty(scene, async ({ members, senders, blocks, after }) => {
      const isIn = (i: number) => members[i]!.left > 0;
      const isApart = (a: number, b: number) =>
        a === b || blocks.some(([x, y]) => (x === a && y === b) || (x === b && y === a));
      await app.rows('DELETE FROM messages WHERE chat_id = $1', [chat.id]);
      await app.rows('DELETE FROM blocks');
      await app.rows(
        `UPDATE chat_members m SET last_read_seq = i.read, last_delivered_seq = i.delivered,
           left_at = CASE WHEN i.present THEN NULL ELSE now() END
         FROM unnest($2::uuid[], $3::int[], $4::int[], $5::bool[]) AS i(id, read, delivered, present)
         WHERE m.chat_id = $1 AND m.user_id = i.id`,
        [
          chat.id,
          ids,
          members.map(({ read }) => read),
          members.map((m) => m.delivered),
          ids.map((_, i) => isIn(i)),
        ],
      );
      await app.rows(
        `INSERT INTO messages (id, chat_id, seq, sender_id, type, content, created_at)
         SELECT gen_random_uuid(), $1, seq, sender, 'text', '', now()
         FROM unnest($2::uuid[]) WITH ORDINALITY AS s(sender, seq)`,
        [chat.id, senders.map((i) => ids[i])],
      );
      const pairs = blocks.filter(([a, b]) => a !== b);
      await app.rows(
        'INSERT INTO blocks (blocker_id, blocked_id) SELECT a, b FROM unnest($1::uuid[], $2::uuid[]) AS p(a, b)',
        [pairs.map(([a]) => ids[a]), pairs.map(([, b]) => ids[b])],
      );
      const counted = (sender: number, reaches: (member: { read: number; delivered: number }) => boolean) =>
        members.filter((member, i) => isIn(i) && !isApart(sender, i) && reaches(member)).length;
      const expected = [...new Set(senders)].flatMap((sender) => {
        const seq = senders.lastIndexOf(sender) + 1;
        const delivered = counted(sender, (m) => m.delivered >= seq);
        const read = counted(sender, (m) => m.read >= seq);
        return isIn(sender) && seq > after ? [[ids[sender], { delivered, read }]] : [];
      });
      const found = await app.app.get(PrismaService).$queryRaw<SeenRow[]>`${newestOfSenders(chat.id, after)}`;
      const rows = found.map((row) => [
        row.sender_id,
        { delivered: row.delivered_count, read: row.read_count },
      ]);
      expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(expected));
    }),
    { numRuns: 60 },
  );
});
