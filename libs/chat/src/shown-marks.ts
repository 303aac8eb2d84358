import type { MessageStatus } from '#contracts';
import { notBlocked } from '#identity';
import { Prisma, type PrismaService } from '#platform';

type Database = Pick<PrismaService, '$queryRaw'>;

export const uuid = (id: string | null): Prisma.Sql => Prisma.sql`${id}::uuid`;

/**
 * SQL over a member `p` of a chat: how far `reader` sees that this member has come. A block hides it, in a group by leaving
 * the member out. A direct chat keeps what was known when the block came (`frozen_…`). Readers see their own marks as they are.
 * For a reader that is NULL nothing is hidden in groups.
 */
export const shownMarks = (reader: Prisma.Sql) => ({
  read: Prisma.sql`(CASE WHEN p.user_id = ${reader} THEN p.last_read_seq ELSE COALESCE(p.frozen_read_seq, p.last_read_seq) END)`,
  delivered: Prisma.sql`(CASE WHEN p.user_id = ${reader} THEN p.last_delivered_seq
    ELSE COALESCE(p.frozen_delivered_seq, p.last_delivered_seq) END)`,
  areShown: Prisma.sql`(p.frozen_read_seq IS NOT NULL OR (${notBlocked(reader, Prisma.raw('p.user_id'))}))`,
});

/** How far each active member of a chat has come, as far as the reader may know. */
export interface Mark {
  user_id: string;
  last_read_seq: number;
  last_delivered_seq: number;
  /** The chat's change number at which one of the two last moved. */
  change_seq: number;
}

/** A query of the `Mark`s of a chat as one of its members sees them. */
export function marksOf(chatId: string, readerId: string): Prisma.Sql {
  const { read, delivered, areShown } = shownMarks(uuid(readerId));
  return Prisma.sql`
    SELECT p.user_id, ${read} AS last_read_seq, ${delivered} AS last_delivered_seq, p.change_seq
    FROM chat_members p WHERE p.chat_id = ${chatId}::uuid AND p.left_at IS NULL AND ${areShown}`;
}

/** SQL over a message `m`: how far the last of the others has come, as `reader` sees it: `read` and `delivered`. */
export function lowestMarks(reader: Prisma.Sql): Prisma.Sql {
  const { read, delivered, areShown } = shownMarks(reader);
  return Prisma.sql`
    SELECT min(${read}) AS read, min(${delivered}) AS delivered FROM chat_members p
    WHERE p.chat_id = m.chat_id AND p.user_id <> m.sender_id AND p.left_at IS NULL AND ${areShown}`;
}

export interface LowestMarks {
  read: number | null;
  delivered: number | null;
}

export const statusOf = (seq: number, { read, delivered }: LowestMarks): MessageStatus =>
  seq <= (read ?? 0) ? 'read' : seq <= (delivered ?? 0) ? 'delivered' : 'sent';

/** The status of one message for each viewer; null stands for those whom no block in the chat concerns. */
export async function statusesOf(
  db: Database,
  { id, seq }: { id: string; seq: number },
  viewers: (string | null)[],
): Promise<Map<string | null, MessageStatus>> {
  const rows = await db.$queryRaw<(LowestMarks & { viewer: string | null })[]>`
    SELECT v.id AS viewer, l.* FROM unnest(${viewers}::uuid[]) AS v(id)
    CROSS JOIN (SELECT chat_id, sender_id FROM messages WHERE id = ${id}::uuid) m
    CROSS JOIN LATERAL (${lowestMarks(Prisma.raw('v.id'))}) l`;
  return new Map(rows.map(({ viewer, ...lowest }) => [viewer, statusOf(seq, lowest)]));
}

/** Of the members of a chat whom a block concerns: from whom of the others it cuts them off. */
export async function cutsWithin(db: Database, chatId: string): Promise<Map<string, Set<string>>> {
  const pairs = await db.$queryRaw<{ a: string; b: string }[]>`
    SELECT x.user_id AS a, y.user_id AS b FROM chat_members x
    JOIN blocks ON blocks.blocker_id = x.user_id
    JOIN chat_members y ON y.chat_id = x.chat_id AND y.user_id = blocks.blocked_id AND y.left_at IS NULL
    WHERE x.chat_id = ${chatId}::uuid AND x.left_at IS NULL`;
  const cuts = new Map<string, Set<string>>();
  for (const { a, b } of pairs)
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const)
      cuts.set(one, (cuts.get(one) ?? new Set()).add(other));
  return cuts;
}
