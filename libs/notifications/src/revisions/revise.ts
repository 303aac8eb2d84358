import type { NotificationKind } from '#contracts';
import { Prisma, addJob } from '#platform';
import { holds } from './valid-causes.js';
import { NOTIFICATION_RULES } from '../types/notification-types.js';
import { QUIET_UNTIL } from '../delivery/quiet-hours.js';

type Tx = Prisma.TransactionClient;

/** Limit of notifications hidden, or causes revised, in the transaction of a request. */
const AT_ONCE = 1000;

/** A notification whose causes have changed. `NotificationPublisher` publishes it after the commit. */
export interface Revised {
  id: string;
  userId: string;
  hidden: boolean;
  wasHidden: boolean;
  /** Whether a live event was published for it. */
  wasShown: boolean;
}

/** The key of a cause that was notified before as another type, of an object that is gone. */
export const keyAs = (key: string, type: NotificationKind): string => `${key}:${type}`;

/** Selects causes: SQL conditions on `c`. */
export const causes = {
  named: (keys: string[]): Prisma.Sql => Prisma.sql`c.key = ANY(${keys})`,
  /** All causes of either user for the other. */
  between: (a: string, b: string): Prisma.Sql => Prisma.sql`
    (c.actor_id = ${a}::uuid AND c.user_id = ${b}::uuid OR c.actor_id = ${b}::uuid AND c.user_id = ${a}::uuid
      OR c.owner_id = ${a}::uuid AND c.user_id = ${b}::uuid OR c.owner_id = ${b}::uuid AND c.user_id = ${a}::uuid)`,
};

/**
 * Makes notifications consistent with their current causes, in the transaction of the change or later. Call it last in
 * an undo: it locks the notifications' rows until the end of the transaction.
 */
export async function revise(tx: Tx, which: Prisma.Sql): Promise<Revised[]> {
  return reviseLocked(tx, await lockNotifications(tx, which), which);
}

/**
 * Locks the notifications with these causes, in one order, so that two callers never wait for each other in a circle.
 */
export async function lockNotifications(tx: Tx, which: Prisma.Sql): Promise<string[]> {
  const rows = await tx.$queryRaw<{ id: string }[]>`
    SELECT n.id FROM notifications n
    WHERE n.id IN (SELECT c.notification_id FROM notification_causes c WHERE ${which})
    ORDER BY n.id FOR NO KEY UPDATE`;
  return rows.map(({ id }) => id);
}

/**
 * Does the same when the notifications are already locked. It reads the causes that may have changed, and per
 * notification the newest valid cause, however many there are. A hidden notification that comes back waits for current
 * quiet hours.
 */
export async function reviseLocked(tx: Tx, ids: string[], which: Prisma.Sql): Promise<Revised[]> {
  if (ids.length === 0) return [];
  // A statement does not see its own changes: `held` is whether another cause of the actor was valid before.
  const changed = await tx.$queryRaw<{ id: string; actor_id: string | null; held: boolean }[]>`
    WITH changed AS (
      UPDATE notification_causes c SET gone = NOT c.gone FROM notifications n
      WHERE ${which} AND n.id = c.notification_id AND n.id = ANY(${ids}::uuid[])
        AND c.gone = ${holds(Prisma.sql`n.type`)}
      RETURNING c.notification_id, c.actor_id
    )
    SELECT notification_id AS id, actor_id, ${holdsOne('changed')} AS held
    FROM (SELECT DISTINCT notification_id, actor_id FROM changed) AS changed (notification_id, actor_id)`;
  if (changed.length === 0) return [];
  return tx.$queryRaw<Revised[]>`
    WITH moved AS (
      SELECT notification_id AS id, sum(${holdsOne('changed')}::int - held::int)::int AS by
      FROM unnest(${changed.map(({ id }) => id)}::uuid[], ${changed.map((row) => row.actor_id)}::uuid[],
        ${changed.map(({ held }) => held)}::bool[]) AS changed (notification_id, actor_id, held)
      GROUP BY notification_id
    ), counted AS (
      SELECT n.id, n.hidden, n.shown, (CASE WHEN n.hidden THEN 0 ELSE n.others_count + 1 END) + moved.by AS actors,
        CASE WHEN n.hidden AND n.read_at IS NULL AND n.type <> ALL(${URGENT}::notification_type[])
          THEN ${QUIET_UNTIL} ELSE n.held_until END AS held_until
      FROM moved JOIN notifications n ON n.id = moved.id
      LEFT JOIN notification_preferences p ON p.user_id = n.user_id
    )
    UPDATE notifications n SET hidden = was.actors <= 0, others_count = GREATEST(was.actors, 1) - 1,
      actor_id = COALESCE(newest.actor_id, n.actor_id), data = COALESCE(newest.data, n.data),
      held_until = was.held_until, shown = n.shown OR was.actors > 0 AND was.held_until IS NULL,
      changed_xid = pg_current_xact_id()
    FROM counted was LEFT JOIN LATERAL (
      SELECT c.actor_id, c.data FROM notification_causes c
      WHERE c.notification_id = was.id AND NOT c.gone ORDER BY c.at DESC LIMIT 1
    ) AS newest ON true
    WHERE n.id = was.id AND (n.hidden, n.others_count, n.actor_id, n.data) IS DISTINCT FROM
      (was.actors <= 0, GREATEST(was.actors, 1) - 1, COALESCE(newest.actor_id, n.actor_id), COALESCE(newest.data, n.data))
    RETURNING n.id, n.user_id AS "userId", n.hidden, was.hidden AS "wasHidden", was.shown AS "wasShown"`;
}

/** The key of a cause for one user. */
export interface Place {
  key: string;
  user_id: string;
}

export const revisePlaces = (tx: Tx, places: Place[]): Promise<Revised[]> =>
  revise(
    tx,
    Prisma.sql`(c.key, c.user_id) IN (SELECT * FROM unnest(
      ${places.map(({ key }) => key)}::text[], ${places.map(({ user_id }) => user_id)}::uuid[]))`,
  );

/**
 * After a block or its end: revises the newest causes between the two. A job revises the rest when there may be more.
 */
export async function reviseBetween(tx: Tx, userId: string, otherId: string): Promise<Revised[]> {
  const places = await tx.$queryRaw<Place[]>`
    SELECT c.key, c.user_id FROM notification_causes c WHERE ${causes.between(userId, otherId)}
    ORDER BY c.at DESC LIMIT ${AT_ONCE}`;
  if (places.length === AT_ONCE) await addJob(tx, 'reconcile-block', { userId, otherId });
  return revisePlaces(tx, places);
}

/** Types that quiet hours do not delay. */
const URGENT = Object.entries(NOTIFICATION_RULES).flatMap(([type, { waits }]) => (waits ? [] : type));

/** Whether a cause of the row's actor, or without an actor, is valid. Each case uses the index. */
const holdsOne = (table: string): Prisma.Sql => {
  const found = (actor: string) => `(SELECT true FROM notification_causes o
    WHERE o.notification_id = ${table}.notification_id AND o.actor_id ${actor} AND NOT o.gone LIMIT 1)`;
  return Prisma.raw(`(CASE WHEN ${table}.actor_id IS NULL THEN ${found('IS NULL')}
    ELSE ${found(`= ${table}.actor_id`)} END IS TRUE)`);
};

/**
 * Hides the notifications about a deleted post without checking each cause, since the post never comes back. Revises
 * the causes with these keys. A job hides the rest when there are too many for one statement.
 */
export async function forgetPost(tx: Tx, postId: string, keys: string[]): Promise<Revised[]> {
  const rows = await tx.$queryRaw<{ id: string }[]>`
    SELECT n.id FROM notifications n
    WHERE n.id IN (
      SELECT c.notification_id FROM notification_causes c WHERE ${causes.named(keys)}
      UNION (SELECT id FROM notifications WHERE data->>'post_id' = ${postId} AND NOT hidden ORDER BY id LIMIT ${AT_ONCE})
    ) ORDER BY n.id FOR NO KEY UPDATE`;
  const ids = rows.map(({ id }) => id);
  const revised = await reviseLocked(tx, ids, causes.named(keys));
  const { hidden, isRest } = await hideAbout(tx, postId);
  if (isRest) await addJob(tx, 'hide-notifications', { postId });
  return [...revised, ...hidden];
}

/** Hides the first part; `isRest` when there may be more. */
export async function hideAbout(tx: Tx, postId: string): Promise<{ hidden: Revised[]; isRest: boolean }> {
  const hidden = await tx.$queryRaw<Revised[]>`
    WITH about AS (
      SELECT id, shown FROM notifications WHERE data->>'post_id' = ${postId} AND NOT hidden
      ORDER BY id LIMIT ${AT_ONCE} FOR NO KEY UPDATE
    )
    UPDATE notifications n SET hidden = true, changed_xid = pg_current_xact_id() FROM about WHERE n.id = about.id
    RETURNING n.id, n.user_id AS "userId", n.hidden, false AS "wasHidden", about.shown AS "wasShown"`;
  return { hidden, isRest: hidden.length === AT_ONCE };
}

/**
 * Serializes notifications about these users with bans and blocks. A notification takes it shared, before it checks for
 * bans and blocks. A ban or block takes it alone, before it revises. Take it before the rows that are undone.
 */
export async function lockAudience(tx: Tx, userIds: string[], mode: 'shared' | 'alone'): Promise<void> {
  const keys = [...new Set(userIds)].sort().map((id) => `telling:${id}`);
  const lock = Prisma.raw(mode === 'shared' ? 'pg_advisory_xact_lock_shared' : 'pg_advisory_xact_lock');
  await tx.$executeRaw`SELECT ${lock}(hashtextextended(key, 0)) FROM unnest(${keys}::text[]) AS key`;
}
