import type { ForwardedFromDto, MessageDto, MessageKind, MessageStatus, ReactionDto } from '#contracts';
import { asSeen, hiddenFrom, type Hidden } from '#identity';
import { Prisma } from '#platform';

/** A message with its sender's name, as all queries select it. */
export interface MessageRow {
  id: string;
  chat_id: string;
  sender_id: string;
  sender_name: string;
  sender_avatar: string | null;
  type: MessageKind;
  content: string;
  metadata: Record<string, unknown>;
  created_at: Date;
  seq: number;
  change_seq: number;
  content_change_seq: number;
  reply_to: string | null;
  forwarded_from: ForwardedFromDto | null;
  edited_at: Date | null;
  pinned_at: Date | null;
  deleted_at: Date | null;
  reactions: ReactionDto[];
  /** The people in the message who are hidden from its reader. */
  hidden: Hidden | null;
}

/** The user in a share, or the author of the shared post. */
const SHARED = Prisma.raw(
  `CASE m.type WHEN 'profile_share' THEN m.content WHEN 'post_share' THEN m.metadata->>'author_id' END`,
);
/** A deleted share has no id, and an older one may have any value. */
const idIn = (text: Prisma.Sql) => Prisma.sql`
  CASE WHEN ${text} ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN (${text})::uuid END`;
/** The people in a message `m`. */
const NAMED = Prisma.sql`ARRAY[m.sender_id, (m.forwarded_from->>'sender_id')::uuid, ${idIn(SHARED)}]`;

/** The shared user or post. */
const SHARED_ID = idIn(Prisma.raw('m.content'));
/**
 * The metadata of a message `m`. A share shows a picture only while it is there: the present picture of a user, and that
 * of a post until it, or the original of a repost, is deleted. The subqueries run for shares with a picture only. They
 * return single values: the planner could answer EXISTS by a scan of the whole table.
 */
const METADATA = Prisma.sql`CASE
  WHEN m.type = 'profile_share' AND m.metadata->>'avatar' IS NOT NULL THEN
    m.metadata || jsonb_build_object('avatar', (SELECT avatar FROM users WHERE id = ${SHARED_ID}))
  WHEN m.type = 'post_share' AND m.metadata->>'media_url' IS NOT NULL AND (
      SELECT NOT is_repost OR repost_of_id IS NOT NULL FROM posts WHERE id = ${SHARED_ID}) IS NOT TRUE THEN
    m.metadata || '{"media_url": null}'
  ELSE m.metadata END`;

/** Columns as shown to `reader`. Use it with FROM or JOIN of `messages m` and of `users u` on `u.id = m.sender_id`. */
export const messageColumns = (reader: Prisma.Sql): Prisma.Sql => Prisma.sql`
  m.id, m.chat_id, m.sender_id, u.name AS sender_name, u.avatar AS sender_avatar, m.type, m.content,
  ${METADATA} AS metadata, m.created_at, m.seq, m.change_seq, m.content_change_seq, m.reply_to, m.forwarded_from,
  m.edited_at, m.pinned_at,
  m.deleted_at, m.reactions, ${hiddenFrom(reader, NAMED)} AS hidden`;

/** A message of a page, with the size of the page up to it in bytes. */
export interface PageRow extends MessageRow {
  bytes: number;
}

/**
 * SQL expression: the approximate size of a message `m` in bytes. Short metadata and reactions are estimated instead of
 * converted to text.
 */
export const SIZE = Prisma.sql`octet_length(m.content)
  + CASE WHEN pg_column_size(m.metadata) > 200 THEN octet_length(m.metadata::text) ELSE 0 END
  + CASE WHEN pg_column_size(m.reactions) > 200 THEN octet_length(m.reactions::text) ELSE 0 END`;

/**
 * Selects a page of messages. Messages beyond a size in bytes are not read.
 * @param order a column of `messages m` that is unique in the page, and the direction
 */
export const messagesOfPage = (
  reader: Prisma.Sql,
  where: Prisma.Sql,
  order: Prisma.Sql,
  limit: number,
  bytes: number,
): Prisma.Sql => Prisma.sql`
  SELECT ${messageColumns(reader)}, m.bytes::int FROM (
    SELECT m.*, sum(m.size) OVER (ORDER BY ${order}) AS bytes FROM (
      SELECT m.*, ${SIZE} AS size FROM messages m WHERE ${where} ORDER BY ${order} LIMIT ${limit + 1}
    ) m
  ) m JOIN users u ON u.id = m.sender_id
  WHERE m.bytes - m.size <= ${bytes} ORDER BY ${order}`;

/** The fields of a message that its readers see. The time is text if it was formatted for a whole batch. */
export type ShownRow = Omit<MessageRow, 'content_change_seq' | 'created_at'> & { created_at: Date | string };

export const toMessage = (row: ShownRow, status: MessageStatus): MessageDto =>
  asNamed(
    {
      id: row.id,
      chat_id: row.chat_id,
      sender_id: row.sender_id,
      sender_name: row.sender_name,
      sender_avatar: row.sender_avatar,
      type: row.type,
      content: row.content,
      metadata: row.metadata,
      created_at: typeof row.created_at === 'string' ? row.created_at : row.created_at.toISOString(),
      status,
      seq: row.seq,
      change_seq: row.change_seq,
      reply_to: row.reply_to,
      forwarded_from: row.forwarded_from,
      edited_at: row.edited_at?.toISOString() ?? null,
      pinned_at: row.pinned_at?.toISOString() ?? null,
      deleted_at: row.deleted_at?.toISOString() ?? null,
      reactions: row.reactions,
    },
    row.hidden,
  );

/**
 * A message as a former member sees it, who left at this change number of the chat: without later reactions and pins,
 * and without its content if that was changed or deleted since. Null stands for a current member.
 */
export function asLeft(row: MessageRow, leftChangeSeq: number | null): MessageRow {
  if (leftChangeSeq === null || row.change_seq <= leftChangeSeq) return row;
  const before = { ...row, change_seq: 0, reactions: [], pinned_at: null };
  return row.content_change_seq <= leftChangeSeq
    ? { ...before, change_seq: row.content_change_seq }
    : { ...before, content: '', metadata: {}, edited_at: null, deleted_at: null };
}

type Naming = Pick<MessageDto, 'sender_id' | 'type' | 'content' | 'metadata' | 'forwarded_from'>;

const sharedBy = ({ type, content, metadata }: Naming): string | undefined => {
  if (type === 'profile_share') return content.toLowerCase();
  return type === 'post_share' && typeof metadata.author_id === 'string' ? metadata.author_id : undefined;
};

/** The ids of the people in a message: the sender, the original author, and the user of a share. */
export function namedIn(message: Naming): string[] {
  const ids = [message.sender_id, message.forwarded_from?.sender_id, sharedBy(message)];
  return ids.filter((id): id is string => Boolean(id));
}

/** A message whose hidden people have no picture, and their earlier names. */
export function asNamed(message: MessageDto, hidden: Hidden | null): MessageDto {
  if (!hidden) return message;
  const { sender_id: id, sender_name, sender_avatar, forwarded_from: first } = message;
  const sender = asSeen({ id, name: sender_name, avatar: sender_avatar }, hidden);
  const shared = hidden[sharedBy(message) ?? ''];
  const asShared =
    message.type === 'profile_share'
      ? { name: shared?.name, avatar: null, is_master: false }
      : { author_name: shared?.name, media_url: null };
  return {
    ...message,
    sender_name: sender.name,
    sender_avatar: sender.avatar,
    metadata: shared ? { ...message.metadata, ...asShared } : message.metadata,
    forwarded_from: first && { ...first, sender_name: hidden[first.sender_id]?.name ?? first.sender_name },
  };
}
