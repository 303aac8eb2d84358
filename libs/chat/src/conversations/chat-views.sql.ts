import { PARTICIPANTS_SHOWN, type ChatDto, type ParticipantDto } from '#contracts';
import { hiddenFrom, type Hidden } from '#identity';
import { Prisma } from '#platform';
import { IS_LISTED } from '../membership/membership.js';
import { SIZE, messageColumns } from '../messages/message-wire.js';
import { lowestCursors, shownCursors } from '../receipts/shown-cursors.js';
import { UNREAD_COUNT, unreadOfMembers } from '../receipts/unread.js';

export interface ChatRow {
  chat_id: string;
  type: ChatDto['type'];
  title: string | null;
  avatar: string | null;
  member_count: number;
  is_open: boolean;
  last_seq: number;
  change_seq: number;
  last_read_seq: number;
  unread_count: number;
  muted_until: Date | null;
  archived: boolean;
  created_at: Date;
  activity_at: Date;
}

export type ParticipantRow = Omit<ParticipantDto, 'online' | 'last_seen'> & {
  chat_id: string;
  last_seen: Date | null;
  /** Set when a block or a ban hides them from the reader: how they are named then. */
  hidden: Hidden | null;
};

/** A chat and its reader; blocks are ignored when the reader is null. */
export interface Asked {
  userId: string | null;
  chatId: string;
}

/** A row of one of the chats in `asked`. */
export interface Indexed {
  i: number;
}

/** SQL of the table `s`: `user_id`, `chat_id`, and the index `i` in `asked`. */
const tableOf = (asked: Asked[]): Prisma.Sql => Prisma.sql`(
  SELECT user_id, chat_id, ord::int - 1 AS i FROM unnest(
    ${asked.map(({ userId }) => userId)}::uuid[], ${asked.map(({ chatId }) => chatId)}::uuid[]
  ) WITH ORDINALITY AS r(user_id, chat_id, ord)) s`;

const CHAT_COLUMNS = Prisma.raw(`
  c.id AS chat_id, c.type, c.title, c.avatar, c.member_count, NOT (c.blocked OR c.gone) AS is_open, c.last_seq,
  c.change_seq, c.created_at, c.activity_at`);

/** A member's own settings: for `chat_members p` in a chat `c`. An expired mute is null. */
const OWN_COLUMNS = Prisma.sql`
  p.last_read_seq,
  CASE WHEN p.muted_until > now() THEN p.muted_until END AS muted_until, p.archived_at IS NOT NULL AS archived`;

/** SQL expression: the approximate size of a chat `c` in bytes, with its shown participants and message. */
export const CHAT_BYTES = Prisma.sql`500
  + coalesce((SELECT 500 + ${SIZE} FROM messages m WHERE m.chat_id = c.id AND m.seq = c.last_seq), 0)
  + (SELECT sum(300 + octet_length(coalesce(u.avatar, '')))::int FROM (
      SELECT p.user_id FROM chat_members p WHERE p.chat_id = c.id AND p.left_at IS NULL
      ORDER BY p.user_id LIMIT ${PARTICIPANTS_SHOWN}
    ) p JOIN users u ON u.id = p.user_id) AS bytes`;

/**
 * Participants as shown to the reader. Use it with FROM or JOIN of `chat_members p` and of `users u` on `u.id =
 * p.user_id`.
 */
export function participantColumns(reader: Prisma.Sql): Prisma.Sql {
  const { read, delivered, areShown } = shownCursors(reader);
  return Prisma.sql`
    p.chat_id, u.id, u.name, u.handle, u.avatar, u.is_master, u.last_seen_at AS last_seen, p.role,
    CASE WHEN ${areShown} THEN ${read} ELSE 0 END AS last_read_seq,
    CASE WHEN ${areShown} THEN ${delivered} ELSE 0 END AS last_delivered_seq,
    ${hiddenFrom(reader, Prisma.raw('ARRAY[u.id]'))} AS hidden`;
}

export const chatsOf = (asked: Asked[]): Prisma.Sql => Prisma.sql`
  SELECT s.i, ${CHAT_COLUMNS}, ${OWN_COLUMNS}, ${UNREAD_COUNT} AS unread_count FROM ${tableOf(asked)}
  JOIN chats c ON c.id = s.chat_id
  JOIN chat_members p ON p.chat_id = s.chat_id AND p.user_id = s.user_id AND p.left_at IS NULL
  ORDER BY s.i`;

/** The chat as its members have it in their lists. Members with the same cursor and settings share a row. */
export const chatOfMembers = (chatId: string, among: string[] | null): Prisma.Sql => Prisma.sql`
  WITH member AS MATERIALIZED (
    SELECT p.user_id, ${OWN_COLUMNS}, p.own_after_read, c.last_seq
    FROM chats c JOIN chat_members p ON p.chat_id = c.id AND p.left_at IS NULL AND ${IS_LISTED}
      ${among ? Prisma.sql`AND p.user_id = ANY(${among}::uuid[])` : Prisma.empty}
    WHERE c.id = ${chatId}::uuid
  ), ${unreadOfMembers(chatId)}
  SELECT ${CHAT_COLUMNS}, s.* FROM chats c CROSS JOIN (
    SELECT last_read_seq, unread_count, muted_until, archived, array_agg(user_id) AS user_ids
    FROM member JOIN unread USING (user_id)
    GROUP BY last_read_seq, unread_count, muted_until, archived
  ) s
  WHERE c.id = ${chatId}::uuid`;

export const firstParticipants = (asked: Asked[]): Prisma.Sql => Prisma.sql`
  SELECT s.i, l.* FROM ${tableOf(asked)} CROSS JOIN LATERAL (
    SELECT ${participantColumns(Prisma.raw('s.user_id'))} FROM chat_members p JOIN users u ON u.id = p.user_id
    WHERE p.chat_id = s.chat_id AND p.left_at IS NULL ORDER BY p.user_id LIMIT ${PARTICIPANTS_SHOWN}
  ) l`;

export const lastMessages = (asked: Asked[]): Prisma.Sql => Prisma.sql`
  SELECT s.i, ${messageColumns(Prisma.raw('s.user_id'))}, to_json(l) AS lowest FROM ${tableOf(asked)}
  JOIN chats c ON c.id = s.chat_id
  JOIN messages m ON m.chat_id = c.id AND m.seq = c.last_seq JOIN users u ON u.id = m.sender_id
  CROSS JOIN LATERAL (${lowestCursors(Prisma.raw('s.user_id'))}) l`;
