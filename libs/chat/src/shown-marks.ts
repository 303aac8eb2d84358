import type { MessageStatus } from '#contracts';
import { notBlocked, type Hidden } from '#identity';
import { Prisma, type PrismaService } from '#platform';
import { NAMED } from './message-wire.js';

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

/**
 * A function from a message to its status: read or delivered once all other participants have read or received
 * it (contract, "Chat events"). Looks at two marks, not at every member: the lowest, and the lowest but one for
 * the messages of whoever holds the lowest.
 */
export function statusFrom(marks: Mark[]): (message: { seq: number; sender_id: string }) => MessageStatus {
  const lowestTwo = (key: 'last_read_seq' | 'last_delivered_seq') =>
    [...marks].sort((a, b) => a[key] - b[key]).slice(0, 2);
  const read = lowestTwo('last_read_seq');
  const delivered = lowestTwo('last_delivered_seq');
  return ({ seq, sender_id }) => {
    const others = (two: Mark[]) => two.find((mark) => mark.user_id !== sender_id);
    if (seq <= (others(read)?.last_read_seq ?? 0)) return 'read';
    if (seq <= (others(delivered)?.last_delivered_seq ?? 0)) return 'delivered';
    return 'sent';
  };
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

/** By member of a chat: from whom of the other members, and of the people whom a message names, a block cuts them off. */
type Cuts = Map<string, Hidden>;
type Message = { seq: number; sender_id: string };

/** What the status of a chat's messages depends on for each viewer. Null stands for the viewers without cuts. */
export interface Statuses {
  cuts: Cuts;
  of: (message: Message, viewer: string | null) => MessageStatus;
}

/** Reads all marks and cuts of a chat once, and of a message's people: the work grows with their number, not with viewers times members. */
export async function statusesWithin(db: Database, chatId: string, messageId?: string): Promise<Statuses> {
  const cuts = await cutsWithin(db, chatId, messageId);
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
        ({ user_id, frozen }) => user_id !== sender && user_id !== viewer && (frozen || !hidden?.[user_id]),
      );
      const seen = [own?.[`own_${kind}`], other?.[kind]].filter((seq) => seq !== undefined);
      return seen.length > 0 ? Math.min(...seen) : 0;
    };
  };
  const [read, delivered] = [lowestOf('read'), lowestOf('delivered')];
  return ({ seq, sender_id }, viewer) =>
    statusOf(seq, { read: read(sender_id, viewer), delivered: delivered(sender_id, viewer) });
}

/** Of members, each block once, by its maker; of a message's people, both ways, by the key of blocks. */
async function cutsWithin(db: Database, chatId: string, messageId?: string): Promise<Cuts> {
  const rows = await db.$queryRaw<{ viewer: string; id: string; name: string; handle: string }[]>`
    WITH member AS MATERIALIZED (
      SELECT user_id FROM chat_members WHERE chat_id = ${chatId}::uuid AND left_at IS NULL
    ), named AS MATERIALIZED (
      SELECT n.id FROM messages m CROSS JOIN LATERAL unnest(${NAMED}) n(id)
      WHERE m.id = ${messageId ?? null}::uuid AND n.id IS NOT NULL
    ), cut AS MATERIALIZED (
      SELECT b.* FROM member x JOIN blocks b ON b.blocker_id = x.user_id JOIN member y ON y.user_id = b.blocked_id
      UNION SELECT b.* FROM named n CROSS JOIN member x JOIN blocks b ON b.blocker_id = n.id AND b.blocked_id = x.user_id
      UNION SELECT b.* FROM named n CROSS JOIN member x JOIN blocks b ON b.blocker_id = x.user_id AND b.blocked_id = n.id
    )
    SELECT blocker_id AS viewer, blocked_id AS id, blocked_name AS name, blocked_handle AS handle FROM cut
    UNION ALL SELECT blocked_id, blocker_id, blocker_name, blocker_handle FROM cut`;
  const cuts: Cuts = new Map();
  for (const { viewer, id, name, handle } of rows)
    cuts.set(viewer, Object.assign(cuts.get(viewer) ?? {}, { [id]: { name, handle } }));
  return cuts;
}
