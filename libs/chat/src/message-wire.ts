import type { ForwardedFromDto, MessageDto, MessageKind, MessageStatus, ReactionDto } from '#contracts';
import { Prisma } from '#platform';
import type { Mark } from './shown-marks.js';

/** A message with its sender's name, as every query here selects it. */
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
  reply_to: string | null;
  forwarded_from: ForwardedFromDto | null;
  edited_at: Date | null;
  pinned_at: Date | null;
  deleted_at: Date | null;
  reactions: ReactionDto[];
}

/** To be followed by FROM or JOIN of `messages m` and of `users u` on `u.id = m.sender_id`. */
export const MESSAGE_COLUMNS = Prisma.raw(`
  m.id, m.chat_id, m.sender_id, u.name AS sender_name, u.avatar AS sender_avatar, m.type, m.content, m.metadata,
  m.created_at, m.seq, m.change_seq, m.reply_to, m.forwarded_from, m.edited_at, m.pinned_at, m.deleted_at,
  m.reactions`);

export const toMessage = (row: MessageRow, status: MessageStatus): MessageDto => ({
  id: row.id,
  chat_id: row.chat_id,
  sender_id: row.sender_id,
  sender_name: row.sender_name,
  sender_avatar: row.sender_avatar,
  type: row.type,
  content: row.content,
  metadata: row.metadata,
  created_at: row.created_at.toISOString(),
  status,
  seq: row.seq,
  change_seq: row.change_seq,
  reply_to: row.reply_to,
  forwarded_from: row.forwarded_from,
  edited_at: row.edited_at?.toISOString() ?? null,
  pinned_at: row.pinned_at?.toISOString() ?? null,
  deleted_at: row.deleted_at?.toISOString() ?? null,
  reactions: row.reactions,
});

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
