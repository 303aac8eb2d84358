import { MAX_MEMBERS, type MessageStatus } from '#contracts';
import { NAMELESS, notBlocked, type Hidden } from '#identity';
import { Prisma, type PrismaService } from '#platform';

type Database = Pick<PrismaService, '$queryRaw'>;

export const uuid = (id: string | null): Prisma.Sql => Prisma.sql`${id}::uuid`;

/**
 * SQL over a member `p` of a chat: the member's cursors as shown to `reader`. In a group, a block leaves the member
 * out. A direct chat keeps the cursors as of the block (`frozen_…`). Readers see their own current cursors. For a
 * `reader` that is NULL nothing is hidden in groups.
 */
export const shownCursors = (reader: Prisma.Sql) => ({
  read: Prisma.sql`(CASE WHEN p.user_id = ${reader} THEN p.last_read_seq ELSE COALESCE(p.frozen_read_seq, p.last_read_seq) END)`,
  delivered: Prisma.sql`(CASE WHEN p.user_id = ${reader} THEN p.last_delivered_seq
    ELSE COALESCE(p.frozen_delivered_seq, p.last_delivered_seq) END)`,
  areShown: Prisma.sql`(p.frozen_read_seq IS NOT NULL OR (${notBlocked(reader, Prisma.raw('p.user_id'))}))`,
});

/** The cursors of each active member of a chat, as far as the reader may see them. */
export interface ShownCursors {
  user_id: string;
  last_read_seq: number;
  last_delivered_seq: number;
  /** The chat's change number when one of the two last moved. */
  change_seq: number;
}

/** A query of the `ShownCursors` of a chat for one of its members. */
export function shownCursorsOf(chatId: string, readerId: string): Prisma.Sql {
  const { read, delivered, areShown } = shownCursors(uuid(readerId));
  return Prisma.sql`
    SELECT p.user_id, ${read} AS last_read_seq, ${delivered} AS last_delivered_seq, p.change_seq
    FROM chat_members p WHERE p.chat_id = ${chatId}::uuid AND p.left_at IS NULL AND ${areShown}`;
}

/**
 * Returns a function from a message to its status: read or delivered once all other participants have read or received
 * it. It compares two cursors, not those of every member: the lowest, and the second lowest for messages of the member
 * with the lowest.
 */
export function statusFrom(
  members: ShownCursors[],
): (message: { seq: number; sender_id: string }) => MessageStatus {
  const lowestTwo = (key: 'last_read_seq' | 'last_delivered_seq') =>
    [...members].sort((a, b) => a[key] - b[key]).slice(0, 2);
  const read = lowestTwo('last_read_seq');
  const delivered = lowestTwo('last_delivered_seq');
  return ({ seq, sender_id }) => {
    const lowestByAnother = (two: ShownCursors[]) => two.find((cursor) => cursor.user_id !== sender_id);
    if (seq <= (lowestByAnother(read)?.last_read_seq ?? 0)) return 'read';
    if (seq <= (lowestByAnother(delivered)?.last_delivered_seq ?? 0)) return 'delivered';
    return 'sent';
  };
}

/** SQL over a message `m`: the lowest cursors of the other members, as shown to `reader`: `read` and `delivered`. */
export function lowestCursors(reader: Prisma.Sql): Prisma.Sql {
  const { read, delivered, areShown } = shownCursors(reader);
  return Prisma.sql`
    SELECT min(${read}) AS read, min(${delivered}) AS delivered FROM chat_members p
    WHERE p.chat_id = m.chat_id AND p.user_id <> m.sender_id AND p.left_at IS NULL AND ${areShown}`;
}

export interface LowestCursors {
  read: number | null;
  delivered: number | null;
}

export const statusOf = (seq: number, { read, delivered }: LowestCursors): MessageStatus =>
  seq <= (read ?? 0) ? 'read' : seq <= (delivered ?? 0) ? 'delivered' : 'sent';

/** The views of a message for the members of its chat, when blocks exist between some of them. */
export interface MemberViews {
  /** The people hidden from the viewer by a block. */
  hiddenFor: (viewer: string) => Hidden | null;
  /** Viewers with other names or another status than everybody else. */
  apart: Set<string>;
  /** The status of the message, if there is one. Null stands for all viewers who are not in `apart`. */
  statusFor: (viewer: string | null) => MessageStatus;
  /** Viewers with the same key see the same. The key of all viewers who are not in `apart` is empty. */
  keyOf: (viewer: string) => string;
}

/**
 * Reads the blocks between the members of a chat and some people, and the cursors of the other members. A member may
 * block thousands, and members may block each other: blocks are looked up by both users.
 */
export async function memberViews(
  db: Database,
  chatId: string,
  people: string[],
  messageId?: string,
): Promise<MemberViews> {
  const hidden = await hiddenWithin(db, chatId, people);
  const statuses = messageId ? await statusesWithin(db, messageId) : new Map<string | null, MessageStatus>();
  const common = statuses.get(null) ?? 'sent';
  statuses.delete(null);
  const apart = new Set([...hidden.keys(), ...(statuses.keys() as Iterable<string>)]);
  const statusFor = (viewer: string | null) => statuses.get(viewer) ?? common;
  const keyOf = (viewer: string) => {
    if (!apart.has(viewer)) return '';
    return `${statusFor(viewer)} ${hidden.get(viewer) ?? ''}`;
  };
  const hiddenFor = (viewer: string) => JSON.parse(hidden.get(viewer) ?? 'null') as Hidden | null;
  return { hiddenFor, apart, statusFor, keyOf };
}

/** The viewers with each key. */
export function groupedBy(viewers: Iterable<string>, keyOf: MemberViews['keyOf']): [string, ...string[]][] {
  const groups = new Map<string, [string, ...string[]]>();
  for (const viewer of viewers) {
    const key = keyOf(viewer);
    const group = groups.get(key);
    if (group) group.push(viewer);
    else groups.set(key, [viewer]);
  }
  return [...groups.values()];
}

/** The same views without the names as of the blocks: many viewers share one. */
export const nameless = ({ hiddenFor, statusFor, ...views }: MemberViews): MemberViews => {
  const idsOf = (viewer: string) => Object.keys(hiddenFor(viewer) ?? {});
  return {
    ...views,
    statusFor,
    hiddenFor: (viewer) => Object.fromEntries(idsOf(viewer).map((id) => [id, NAMELESS])),
    keyOf: (viewer) => (views.apart.has(viewer) ? [statusFor(viewer), ...idsOf(viewer)].join() : ''),
  };
};

/** SQL condition: a block exists between two users. LIMIT keeps the planner on the key. */
const isBlocked = (a: string, b: string): Prisma.Sql =>
  Prisma.raw(`COALESCE(
    (SELECT true FROM blocks WHERE blocker_id = ${a} AND blocked_id = ${b} LIMIT 1),
    (SELECT true FROM blocks WHERE blocker_id = ${b} AND blocked_id = ${a} LIMIT 1), false)`);

/**
 * The status of a message by viewer, when it differs; null has the status for all others. A message is read when no
 * visible member has yet to read it. Usually the first member checked decides that.
 */
async function statusesWithin(db: Database, messageId: string): Promise<Map<string | null, MessageStatus>> {
  const rows = await db.$queryRaw<{ viewer: string | null; status: MessageStatus }[]>`
    WITH mark AS MATERIALIZED (
      SELECT p.user_id AS id, p.user_id = m.sender_id AS sent, p.frozen_read_seq IS NOT NULL AS frozen,
        p.last_read_seq >= m.seq AS own_read, COALESCE(p.frozen_read_seq, p.last_read_seq) >= m.seq AS read,
        p.last_delivered_seq >= m.seq AS own_delivered, COALESCE(p.frozen_delivered_seq, p.last_delivered_seq) >= m.seq AS delivered
      FROM messages m JOIN chat_members p ON p.chat_id = m.chat_id AND p.left_at IS NULL WHERE m.id = ${messageId}::uuid
    ), other AS MATERIALIZED (
      SELECT id, frozen FROM mark WHERE NOT sent
    ), unread AS MATERIALIZED (
      SELECT id, frozen FROM mark WHERE NOT sent AND NOT read
    ), undelivered AS MATERIALIZED (
      SELECT id, frozen FROM mark WHERE NOT sent AND NOT delivered
    ), common AS MATERIALIZED (
      SELECT CASE WHEN NOT EXISTS (SELECT FROM other) THEN 'sent' WHEN NOT EXISTS (SELECT FROM unread) THEN 'read'
        WHEN NOT EXISTS (SELECT FROM undelivered) THEN 'delivered' ELSE 'sent' END AS status
    ), seen AS MATERIALIZED (
      SELECT v.id AS viewer, CASE
        WHEN v.sent AND NOT EXISTS (SELECT FROM other u WHERE u.frozen OR NOT ${isBlocked('u.id', 'v.id')}) THEN 'sent'
        WHEN (v.sent OR v.own_read) AND NOT EXISTS (
          SELECT FROM unread u WHERE u.id <> v.id AND (u.frozen OR NOT ${isBlocked('u.id', 'v.id')})) THEN 'read'
        WHEN (v.sent OR v.own_delivered) AND NOT EXISTS (
          SELECT FROM undelivered u WHERE u.id <> v.id AND (u.frozen OR NOT ${isBlocked('u.id', 'v.id')})) THEN 'delivered'
        ELSE 'sent' END AS status
      FROM mark v
    )
    SELECT NULL::uuid AS viewer, status FROM common
    UNION ALL SELECT seen.viewer, seen.status FROM seen JOIN common ON common.status <> seen.status`;
  return new Map(rows.map(({ viewer, status }) => [viewer, status]));
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * By member of a chat: the people hidden from them by a block, as the text of a `Hidden`. There may be 50 of each of
 * 1,024 members: rows and objects of all of them at once would block the process.
 */
async function hiddenWithin(db: Database, chatId: string, people: string[]): Promise<Map<string, string>> {
  // An older message may have any value here.
  const ids = people.filter((id) => UUID.test(id));
  const rows = await db.$queryRaw<{ viewer: string; hidden: string }[]>`
    WITH member AS MATERIALIZED (
      SELECT user_id AS id FROM chat_members WHERE chat_id = ${chatId}::uuid AND left_at IS NULL
    ), members AS MATERIALIZED (
      SELECT array_agg(id) AS ids FROM member
    ), hidden (viewer, id, name, handle) AS (
      SELECT member.id, b.blocked_id, b.blocked_name, b.blocked_handle FROM member
      CROSS JOIN LATERAL (
        SELECT blocked_id, blocked_name, blocked_handle FROM blocks
        WHERE blocker_id = member.id AND blocked_id = ANY(${ids}::uuid[]) LIMIT ${MAX_MEMBERS}
      ) b
      UNION ALL SELECT b.blocked_id, n.id, b.blocker_name, b.blocker_handle FROM members, unnest(${ids}::uuid[]) AS n(id)
      CROSS JOIN LATERAL (
        SELECT blocked_id, blocker_name, blocker_handle FROM blocks
        WHERE blocker_id = n.id AND blocked_id = ANY(members.ids) LIMIT ${MAX_MEMBERS}
      ) b
    )
    SELECT viewer, jsonb_object_agg(id, jsonb_build_object('name', name, 'handle', handle))::text AS hidden
    FROM hidden GROUP BY viewer`;
  return new Map(rows.map(({ viewer, hidden }) => [viewer, hidden]));
}
