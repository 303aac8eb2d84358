import { Prisma, PrismaService } from '#platform';
import { TestApp } from '#testing';
import { messagesOfPage, type PageRow } from './message-wire.js';
import { uuid } from '../receipts/shown-cursors.js';

/** Messages of 40 KB each. */
const MESSAGES = 100;

it.each([
  ['content', `repeat('x', 40000)`, `'{}'`, `'[]'`],
  ['metadata', `'x'`, `jsonb_build_object('note', repeat('x', 40000))`, `'[]'`],
  ['reactions', `'x'`, `'{}'`, `jsonb_build_array(repeat('x', 40000))`],
])(
  'a page reads no more messages than it returns when their %s is long',
  async (_, content, metadata, reactions) => {
    const app = await TestApp.start();
    const [anna, boris] = await app.people('Анна', 'Борис');
    const { id } = await app.chat(anna, boris);
    await app.rows(
      `INSERT INTO messages (id, chat_id, seq, sender_id, type, content, metadata, reactions, created_at)
     SELECT gen_random_uuid(), $1, i, $2, 'text', ${content}, ${metadata}, ${reactions}, now()
     FROM generate_series(1, ${MESSAGES}) AS i`,
      [id, anna.id],
    );
    const page = messagesOfPage(
      uuid(anna.id),
      Prisma.sql`m.chat_id = ${id}::uuid`,
      Prisma.sql`m.seq`,
      MESSAGES,
      1_000_000,
    );
    const rows = await app.app.get(PrismaService).$queryRaw<PageRow[]>`${page}`;
    expect([25, 26]).toContain(rows.length);
    await app.stop();
  },
);
