import type { NotificationCause } from '#contracts';
import { Prisma, newId } from '#platform';
import { QUIET_UNTIL } from '../delivery/quiet-hours.js';
import { holds } from '../revisions/valid-causes.js';
import { NOTIFICATION_RULES } from '../types/notification-types.js';

export interface Stored {
  userId: string;
  /** Null: the user was notified of this cause before. */
  id: string | null;
  hidden: boolean;
}

/**
 * Selects the recipients and stores the rows in one statement. The key of the cause lets only one run insert. Rows
 * are written in the order of their users, so two runs never wait for each other in a circle. The cause of a grouped
 * notification is inserted as gone, and becomes valid when the group is revised.
 */
export function notifyOnce(
  { type, key, actorId, ownerId, data }: NotificationCause,
  recipientIds: string[],
): Prisma.Sql {
  const { grouped, waits } = NOTIFICATION_RULES[type];
  const groupKey = grouped && 'post_id' in data ? `${type}:${data.post_id}` : null;
  const kind = Prisma.sql`${type}::notification_type`;
  const isForAll = type === 'mention' && data.announcement === true;
  return Prisma.sql`
    WITH wanting AS (
      SELECT u.id AS user_id, t.id, ${actorId}::uuid AS actor_id, ${ownerId ?? null}::uuid AS owner_id,
        ${JSON.stringify(data)}::jsonb AS data, ${waits ? QUIET_UNTIL : Prisma.sql`NULL::timestamptz`} AS held_until
      FROM unnest(${recipientIds}::uuid[], ${recipientIds.map(() => newId())}::uuid[]) AS t (user_id, id)
      JOIN users u ON u.id = t.user_id LEFT JOIN notification_preferences p ON p.user_id = u.id
      WHERE u.banned_at IS NULL AND u.id IS DISTINCT FROM ${actorId}::uuid
        AND (${isForAll} OR ${kind} <> ALL (COALESCE(p.disabled, '{}')))
    ), asked AS MATERIALIZED (
      SELECT c.*, ${grouped ? Prisma.sql`true` : Prisma.sql`NOT ${holds(kind)}`} AS gone FROM wanting c
    ), told AS (
      INSERT INTO notification_causes (key, user_id, actor_id, owner_id, data, notification_id, gone)
      SELECT ${key}, user_id, actor_id, owner_id, data, CASE WHEN ${groupKey}::text IS NULL THEN id END, gone
      FROM asked ORDER BY user_id
      ON CONFLICT DO NOTHING RETURNING user_id
    ), stored AS (
      INSERT INTO notifications AS n (id, user_id, type, group_key, actor_id, data, held_until, shown, hidden)
      SELECT id, user_id, ${kind}, ${groupKey}, actor_id, data, held_until, held_until IS NULL AND NOT gone, gone
      FROM told JOIN asked USING (user_id) ORDER BY user_id
      ON CONFLICT (user_id, group_key) WHERE read_at IS NULL AND group_key IS NOT NULL DO UPDATE
      SET held_until = CASE WHEN n.hidden THEN EXCLUDED.held_until ELSE COALESCE(n.held_until, EXCLUDED.held_until) END,
        shown = n.shown AND NOT n.hidden,
        updated_at = GREATEST(now(), n.updated_at + interval '1 ms')
      RETURNING id, user_id, hidden
    )
    SELECT user_id AS "userId", stored.id, stored.hidden FROM asked LEFT JOIN stored USING (user_id)`;
}
