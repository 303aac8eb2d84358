import type { NotificationData, NotificationDto, NotificationKind } from '#contracts';
import { notBlocked } from '#identity';
import { Prisma } from '#platform';
import { render } from '../types/notification-types.js';

/** A notification with the data of its text: the recipient's language, and the current name of the actor if visible. */
export interface NotificationRow {
  id: string;
  user_id: string;
  type: NotificationKind;
  data: NotificationData[NotificationKind];
  others_count: number;
  created_at: Date;
  updated_at: Date;
  read_at: Date | null;
  shown: boolean;
  locale: string;
  actor: string | null;
}

export const SELECT_ROWS = Prisma.sql`
  SELECT n.id, n.user_id, n.type::text, n.data, n.others_count, n.created_at, n.updated_at, n.read_at, n.shown,
    u.locale, a.name AS actor
  FROM notifications n JOIN users u ON u.id = n.user_id LEFT JOIN users a
    ON a.id = n.actor_id AND a.banned_at IS NULL AND ${notBlocked(Prisma.raw('a.id'), Prisma.raw('n.user_id'))}`;

export function toDto(row: NotificationRow): NotificationDto {
  // The text of a hidden actor is not passed on.
  const data = row.actor === null && 'reason' in row.data ? { ...row.data, reason: null } : row.data;
  const { title, body } = render(row.type, row.locale, {
    actor: row.actor,
    othersCount: row.others_count,
    data,
  });
  return {
    id: row.id,
    type: row.type,
    title,
    body,
    data,
    created_at: row.created_at.toISOString(),
    is_read: row.read_at !== null,
    updated_at: row.updated_at.toISOString(),
    read_at: row.read_at?.toISOString() ?? null,
  };
}

/** Uses the index of unread notifications. */
export const UNREAD_COUNT = (userId: string) => Prisma.sql`
  SELECT count(*)::int AS unread_count FROM notifications
  WHERE user_id = ${userId}::uuid AND read_at IS NULL AND NOT hidden`;
