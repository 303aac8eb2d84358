import { Prisma, WORK } from '#platform';

/** Limits of messages that are searched for a member's own when read cursors move: of one cursor, of a statement. */
const { each: MAX_COUNTED, together: MAX_COUNTED_TOGETHER } = WORK.readCursorSteps.most;

/** The cursor updates of one member in one statement. */
export interface CursorRow {
  ord: number;
  chat_id: string;
  user_id: string;
  read: number;
  delivered: number;
}

/** One member's cursors before and after a flush. */
export interface AdvancedCursor {
  ord: number;
  chat_id: string;
  user_id: string;
  member_count: number;
  old_read: number;
  new_read: number;
  old_delivered: number;
  new_delivered: number;
  /** True when part of the move remains. */
  is_behind: boolean;
  last_read_at: Date | null;
  /** After a read, once it is counted. */
  unread_count?: number;
}

/** Moves cursors, each with a change number of its chat. The chats are locked in one order, then the members. */
export const advanceCursors = (cursors: CursorRow[]): Prisma.Sql => Prisma.sql`
  WITH input AS MATERIALIZED (
    SELECT * FROM json_to_recordset(${JSON.stringify(cursors)}::json)
      AS r(ord int, chat_id uuid, user_id uuid, read int, delivered int)
  ), chat AS MATERIALIZED (
    SELECT c.id, c.last_seq, c.change_seq, c.member_count, c.blocked FROM chats c
    WHERE c.id = ANY(${[...new Set(cursors.map((m) => m.chat_id))]}::uuid[]) ORDER BY c.id FOR NO KEY UPDATE
  ), member AS MATERIALIZED (
    SELECT i.ord, i.read, m.chat_id, m.user_id, c.change_seq, c.last_seq, c.member_count, c.blocked, m.last_read_at, m.own_after_read,
      m.last_read_seq AS old_read, GREATEST(m.last_read_seq, LEAST(i.read, c.last_seq)) AS target,
      CASE WHEN m.own_after_read > 0 AND i.read < c.last_seq
        THEN LEAST(GREATEST(i.read - m.last_read_seq, 0), ${MAX_COUNTED}) ELSE 0 END AS step,
      m.last_delivered_seq AS old_delivered, GREATEST(m.last_delivered_seq, LEAST(i.delivered, c.last_seq)) AS new_delivered
    FROM chat c JOIN input i ON i.chat_id = c.id
    JOIN chat_members m ON m.chat_id = i.chat_id AND m.user_id = i.user_id AND m.left_at IS NULL
    FOR NO KEY UPDATE OF m
  ), stepped AS MATERIALIZED (
    SELECT *, CASE WHEN step = 0 THEN target
      WHEN sum(step) OVER (ORDER BY step, ord) <= ${MAX_COUNTED_TOGETHER} THEN old_read + step ELSE old_read END AS new_read
    FROM member
  ), moved AS MATERIALIZED (
    SELECT *, change_seq + row_number() OVER (PARTITION BY chat_id ORDER BY ord)::int AS change_number,
      CASE WHEN new_read = last_seq THEN 0 WHEN new_read = old_read OR own_after_read = 0 THEN own_after_read
        ELSE own_after_read - (
        SELECT count(*)::int FROM messages x WHERE x.chat_id = stepped.chat_id AND x.seq > old_read
          AND x.seq <= new_read AND x.sender_id = stepped.user_id) END AS own_now
    FROM stepped WHERE new_read > old_read OR new_delivered > old_delivered
  ), counted AS (
    UPDATE chats SET change_seq = n.change_number, changed_xid = pg_current_xact_id()
    FROM (SELECT chat_id, max(change_number) AS change_number FROM moved WHERE NOT blocked GROUP BY chat_id) n
    WHERE chats.id = n.chat_id
  ), written AS (
    UPDATE chat_members m SET last_read_seq = n.new_read, last_delivered_seq = n.new_delivered,
      own_after_read = n.own_now,
      last_read_at = CASE WHEN n.new_read > n.old_read THEN now() ELSE m.last_read_at END,
      last_delivered_at = CASE WHEN n.new_delivered > n.old_delivered THEN now() ELSE m.last_delivered_at END,
      change_seq = CASE WHEN n.blocked THEN m.change_seq ELSE n.change_number END,
      changed_xid = CASE WHEN n.blocked THEN pg_current_xact_id() ELSE m.changed_xid END
    FROM moved n WHERE m.chat_id = n.chat_id AND m.user_id = n.user_id
  )
  SELECT b.ord, b.chat_id, b.user_id, b.member_count, b.old_read, b.new_read, b.old_delivered, b.new_delivered,
    b.new_read < LEAST(b.read, b.last_seq) AS is_behind,
    CASE WHEN b.new_read > b.old_read THEN now()::timestamptz(3) ELSE b.last_read_at END AS last_read_at
  FROM stepped b`;
