import type { ForwardedFromDto, MessageKind } from '#contracts';
import type { SendPool } from '#platform';
import { refuses } from '../membership/consent.js';

export interface NewMessage {
  id: string;
  chatId: string;
  senderId: string;
  type: MessageKind;
  content: string;
  metadata: Record<string, unknown>;
  clientId?: string;
  replyTo?: string;
  /** Only for messages that are stored together. */
  forwardedFrom?: ForwardedFromDto;
}

/** The result of one send. */
export interface Outcome {
  /**
   * The reason for a refusal: a missing chat, sender or replied message, or a closed direct chat: the other user is
   * banned, a block exists, or the other user has not opened the chat and does not accept messages.
   */
  refused: 'chat' | 'sender' | 'gone' | 'blocked' | 'consent' | 'reply' | null;
  seq: number;
  /** In ms. */
  at: number;
  /** The id of the first message with this client_id, when this send repeats it. */
  earlierId: string | null;
  /** True for the first message of a direct chat. */
  isFirst: boolean;
  senderName: string;
  senderAvatar: string | null;
}

/** Finds the earlier message of a repeated send. */
const EARLIER = `LATERAL (
    SELECT id, seq, created_at FROM messages
    WHERE chat_id = i.chat_id AND sender_id = i.sender_id AND client_id = i.client_id LIMIT 1
  )`;
const NO_EARLIER = '(SELECT NULL::uuid AS id, NULL::int AS seq, NULL::timestamptz AS created_at)';

/** Independent sends have no shared condition. For an atomic group, nothing is stored unless all of it is new. */
const EACH = { array: '', column: '', only: '' };
const TOGETHER = {
  array: ', $10::jsonb[]',
  column: ', forwarded_from',
  only: ' AND NOT EXISTS (SELECT FROM checked WHERE refused IS NOT NULL OR earlier_id IS NOT NULL)',
};

/**
 * One statement for any number of sends: it locks the chats, checks the senders, finds earlier sends with the same
 * client_id, assigns numbers, inserts, and moves read cursors. Locks are always taken in one order, chats by id and
 * then members. Rows are read under their lock: a member removed a moment ago is not in `sender`.
 *
 * LATERAL with LIMIT keeps the planner on the indexes, even if the plan was made while the tables were small. Texts and
 * metadata stay in `input` until they are inserted: each step in between copies its rows, some twice.
 *
 * If the sender had read everything, the cursor moves past the new message; otherwise older messages stay unread. The
 * group is the sender's own from now on, whoever added them.
 */
const appendSql = (earlier: string, { array, column, only } = EACH) => `
WITH input AS MATERIALIZED (
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::message_type[], $5::text[], $6::jsonb[], $7::text[],
    $8::uuid[]${array}) WITH ORDINALITY AS r(id, chat_id, sender_id, type, content, metadata, client_id, reply_to${column}, ord)
), chat AS MATERIALIZED (
  SELECT c.id, c.type, c.last_seq, c.blocked, c.gone FROM chats c WHERE c.id = ANY($9::uuid[]) ORDER BY c.id FOR NO KEY UPDATE
), sender AS MATERIALIZED (
  SELECT s.chat_id, s.sender_id AS user_id, s.last_seq, s.blocked, s.gone, m.last_read_seq, u.name, u.avatar
  FROM (SELECT DISTINCT i.chat_id, i.sender_id, chat.last_seq, chat.blocked, chat.gone FROM chat JOIN input i ON i.chat_id = chat.id) s
  CROSS JOIN LATERAL (
    SELECT last_read_seq FROM chat_members
    WHERE chat_id = s.chat_id AND user_id = s.sender_id AND left_at IS NULL FOR NO KEY UPDATE
  ) m
  CROSS JOIN LATERAL (SELECT name, avatar FROM users WHERE id = s.sender_id LIMIT 1) u
), checked AS MATERIALIZED (
  SELECT i.ord, i.chat_id, i.sender_id, s.name, s.avatar, s.last_seq, s.last_read_seq,
    e.id AS earlier_id, e.seq AS earlier_seq, e.created_at AS earlier_at,
    CASE WHEN s.user_id IS NULL THEN
           CASE WHEN EXISTS (SELECT FROM chat WHERE id = i.chat_id) THEN 'sender' ELSE 'chat' END
         WHEN s.gone THEN 'gone'
         WHEN s.blocked THEN 'blocked'
         WHEN s.last_seq = 0 AND EXISTS (
           SELECT FROM chat_members o CROSS JOIN LATERAL (SELECT * FROM users WHERE id = o.user_id LIMIT 1) u
           WHERE o.chat_id = i.chat_id AND NOT o.opened AND o.user_id <> i.sender_id AND ${refuses('messages_from', 'i.sender_id')})
           THEN 'consent'
         WHEN i.reply_to IS NOT NULL AND r.chat_id IS NULL THEN 'reply' END AS refused
  FROM input i
  LEFT JOIN sender s ON s.chat_id = i.chat_id AND s.user_id = i.sender_id
  LEFT JOIN ${earlier} e ON true
  LEFT JOIN LATERAL (SELECT chat_id FROM messages WHERE id = i.reply_to LIMIT 1) r ON r.chat_id = i.chat_id
), numbered AS MATERIALIZED (
  SELECT k.ord, k.chat_id, k.sender_id, k.last_seq, k.last_read_seq, clock_timestamp()::timestamptz(3) AS created_at,
    k.last_seq + row_number() OVER (PARTITION BY k.chat_id ORDER BY k.ord)::int AS seq,
    row_number() OVER (PARTITION BY k.chat_id, k.sender_id ORDER BY k.ord)::int AS own_number
  FROM checked k WHERE k.refused IS NULL AND k.earlier_id IS NULL${only}
), inserted AS (
  INSERT INTO messages (id, chat_id, seq, sender_id, type, content, metadata, client_id, reply_to${column}, created_at)
  SELECT i.id, i.chat_id, n.seq, i.sender_id, i.type, i.content, i.metadata, i.client_id, i.reply_to${column}, n.created_at
  FROM numbered n JOIN input i USING (ord)
), counted AS (
  UPDATE chats SET last_seq = n.seq, activity_at = n.created_at, changed_xid = pg_current_xact_id()
  FROM (SELECT chat_id, max(seq) AS seq, max(created_at) AS created_at FROM numbered GROUP BY chat_id) n
  WHERE chats.id = n.chat_id AND chats.id = ANY($9::uuid[])
), marked AS (
  UPDATE chat_members m SET last_read_seq = m.last_read_seq + n.read,
    last_delivered_seq = GREATEST(m.last_delivered_seq, m.last_read_seq + n.read),
    own_after_read = m.own_after_read + n.sent - n.read, added_by = NULL
  FROM (SELECT chat_id, sender_id, count(*)::int AS sent,
          count(*) FILTER (WHERE last_read_seq = last_seq AND seq = last_seq + own_number)::int AS read
        FROM numbered GROUP BY chat_id, sender_id) n
  WHERE m.chat_id = n.chat_id AND m.user_id = n.sender_id
)
SELECT json_agg(refused) AS refused, json_agg(seq) AS seq, json_agg(at) AS at, json_agg(earlier_id) AS earlier_id,
  json_agg(name) AS name, json_agg(avatar) AS avatar, json_agg(ord) FILTER (WHERE is_first) AS first
FROM (
  SELECT k.ord, k.refused, COALESCE(k.earlier_seq, n.seq) AS seq, k.earlier_id, k.name, k.avatar,
    (date_part('epoch', COALESCE(k.earlier_at, n.created_at)) * 1000)::bigint AS at,
    n.seq = 1 AND EXISTS (SELECT FROM chat WHERE id = k.chat_id AND type = 'direct') AS is_first
  FROM checked k LEFT JOIN numbered n USING (ord) ORDER BY ord
) o`;

/** The result by columns: for large batches, rows with every field's name would cost more to write and read. */
interface Columns {
  refused: Outcome['refused'][];
  seq: number[];
  at: number[];
  earlier_id: (string | null)[];
  name: string[];
  avatar: (string | null)[];
  /** The positions, from 1, of first messages of direct chats. */
  first: number[] | null;
}

const STATEMENTS = {
  newOnes: { name: 'append-messages', text: appendSql(NO_EARLIER) },
  perhapsRepeated: { name: 'append-perhaps-repeated', text: appendSql(EARLIER) },
  together: { name: 'append-together', text: appendSql(EARLIER, TOGETHER) },
};

/**
 * Stores the valid sends of a batch in one transaction, and returns the result of each, in order. As `newOnes`, it does
 * not look for earlier sends: the unique constraint on their client_id refuses the batch if there is one. `together`
 * stores all of them, or none if one is refused or repeats an earlier one.
 */
export async function appendMessages(
  pool: SendPool,
  batch: NewMessage[],
  as: keyof typeof STATEMENTS,
): Promise<Outcome[]> {
  const values = [
    plainArray(batch.map(({ id }) => id)),
    plainArray(batch.map(({ chatId }) => chatId)),
    plainArray(batch.map(({ senderId }) => senderId)),
    plainArray(batch.map(({ type }) => type)),
    textArray(batch.map(({ content }) => content)),
    textArray(batch.map(({ metadata }) => JSON.stringify(metadata))),
    textArray(batch.map(({ clientId }) => clientId)),
    plainArray(batch.map(({ replyTo }) => replyTo)),
    plainArray([...new Set(batch.map(({ chatId }) => chatId))]),
    ...(as === 'together'
      ? [textArray(batch.map(({ forwardedFrom }) => forwardedFrom && JSON.stringify(forwardedFrom)))]
      : []),
  ];
  const { rows } = await pool.query<Columns>({ ...STATEMENTS[as], values });
  const { refused, seq, at, earlier_id, name, avatar, first } = rows[0]!;
  return batch.map((_, i) => ({
    refused: refused[i]!,
    seq: seq[i]!,
    at: at[i]!,
    earlierId: earlier_id[i]!,
    isFirst: first?.includes(i + 1) ?? false,
    senderName: name[i]!,
    senderAvatar: avatar[i]!,
  }));
}

/** PostgreSQL's array literal of ids or enum names, which need no quotes. */
const plainArray = (values: (string | undefined)[]) => `{${values.map((value) => value ?? 'NULL').join()}}`;

/** The same for any texts: the driver's own version searches and copies each text twice. */
const textArray = (values: (string | undefined)[]) =>
  `{${values.map((value) => (value === undefined ? 'NULL' : `"${escaped(value)}"`)).join()}}`;

const escaped = (text: string) =>
  text.includes('"') || text.includes('\\') ? text.replace(/["\\]/g, '\\$&') : text;
