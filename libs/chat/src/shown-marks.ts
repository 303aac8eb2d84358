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

/** A member's marks as they are (`own_…`), and as the others see them, if no block hides them. */
interface StoredMark {
  user_id: string;
  read: number;
  delivered: number;
  own_read: number;
  own_delivered: number;
  frozen: boolean;
}

/** From whom of the other members a block cuts off a member of a chat. */
type Cuts = Map<string, Set<string>>;
type Message = { seq: number; sender_id: string };

/** What the status of a chat's messages depends on for each viewer. Null stands for the viewers without cuts. */
export interface Statuses {
  cuts: Cuts;
  of: (message: Message, viewer: string | null) => MessageStatus;
}

/** Reads all marks and cuts of a chat once: the work grows with their number, not with viewers times members. */
export async function statusesWithin(db: Database, chatId: string): Promise<Statuses> {
  const cuts = await cutsWithin(db, chatId);
  const marks = await db.$queryRaw<StoredMark[]>`
    SELECT user_id, COALESCE(frozen_read_seq, last_read_seq) AS read, last_read_seq AS own_read,
      COALESCE(frozen_delivered_seq, last_delivered_seq) AS delivered, last_delivered_seq AS own_delivered,
      frozen_read_seq IS NOT NULL AS frozen
    FROM chat_members WHERE chat_id = ${chatId}::uuid AND left_at IS NULL`;
  return { cuts, of: statusAmong(marks, cuts) };
}

/** The same as `lowestMarks`, in memory: from the lowest mark upwards, the first one that the viewer may see. */
export function statusAmong(marks: StoredMark[], cuts: Cuts): Statuses['of'] {
  const byUser = new Map(marks.map((mark) => [mark.user_id, mark]));
  const lowestOf = (kind: 'read' | 'delivered') => {
    const ascending = [...marks].sort((a, b) => a[kind] - b[kind]);
    return (sender: string, viewer: string | null): number => {
      const hidden = cuts.get(viewer ?? '');
      const own = viewer === null || viewer === sender ? undefined : byUser.get(viewer);
      const other = ascending.find(
        ({ user_id, frozen }) =>
          user_id !== sender && user_id !== viewer && (frozen || !hidden?.has(user_id)),
      );
      const seen = [own?.[`own_${kind}`], other?.[kind]].filter((seq) => seq !== undefined);
      return seen.length > 0 ? Math.min(...seen) : 0;
    };
  };
  const [read, delivered] = [lowestOf('read'), lowestOf('delivered')];
  return ({ seq, sender_id }, viewer) =>
    statusOf(seq, { read: read(sender_id, viewer), delivered: delivered(sender_id, viewer) });
}

async function cutsWithin(db: Database, chatId: string): Promise<Cuts> {
  const pairs = await db.$queryRaw<{ a: string; b: string }[]>`
    SELECT x.user_id AS a, y.user_id AS b FROM chat_members x
    JOIN blocks ON blocks.blocker_id = x.user_id
    JOIN chat_members y ON y.chat_id = x.chat_id AND y.user_id = blocks.blocked_id AND y.left_at IS NULL
    WHERE x.chat_id = ${chatId}::uuid AND x.left_at IS NULL`;
  const cuts: Cuts = new Map();
  for (const { a, b } of pairs)
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const)
      cuts.set(one, (cuts.get(one) ?? new Set()).add(other));
  return cuts;
}
