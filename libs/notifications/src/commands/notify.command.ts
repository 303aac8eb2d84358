import type { NotificationCause } from '#contracts';
import { notBlockedWith } from '#identity';
import { Prisma, PrismaService, RealtimeEmitter, newId } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { KINDS } from '../kinds.js';
import { SELECT_ROWS, toDto, type NotificationRow } from '../notification-rows.js';
import { HELD_UNTIL } from '../quiet-hours.js';

/**
 * Tells up to 1,000 users of something that happened (contract, "Notifications"); each of them once, however often
 * it runs. `again`: an earlier run may have died between its commit and its live events, so these go out again for
 * all that it stored; a client knows a notification by its id.
 */
export class Notify extends Command<void> {
  constructor(
    readonly cause: NotificationCause,
    readonly recipientIds: string[],
    readonly again = false,
  ) {
    super();
  }
}

@CommandHandler(Notify)
export class NotifyHandler implements ICommandHandler<Notify> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly emitter: RealtimeEmitter,
  ) {}

  async execute({ cause, recipientIds, again }: Notify): Promise<void> {
    const proposed = recipientIds.map(() => newId());
    const stored = KINDS[cause.type].grouped
      ? await this.prisma.$transaction((tx) => this.group(tx, cause, recipientIds, proposed))
      : await this.store(this.prisma, cause, recipientIds, proposed);
    const earlier = again ? await this.storedOf(cause, recipientIds) : [];
    await this.show([...new Set([...stored, ...earlier])], new Set(proposed));
  }

  /**
   * One statement from who may be told to the rows. The cause's key lets one run pass, and rows are written in the
   * order of their users, so that two runs wait for each other but never in a circle.
   */
  private async store(
    db: Prisma.TransactionClient,
    { type, key, actorId, data }: NotificationCause,
    recipientIds: string[],
    proposed: string[],
  ): Promise<string[]> {
    const groupKey = KINDS[type].grouped && 'post_id' in data ? `${type}:${data.post_id}` : null;
    const notTheActor = actorId
      ? Prisma.sql`AND u.id <> ${actorId}::uuid AND ${notBlockedWith(actorId, Prisma.raw('u.id'))}`
      : Prisma.empty;
    const rows = await db.$queryRaw<{ id: string }[]>`
      WITH asked AS (
        SELECT u.id AS user_id, t.id, ${KINDS[type].waits ? HELD_UNTIL : Prisma.sql`NULL::timestamptz`} AS held_until
        FROM unnest(${recipientIds}::uuid[], ${proposed}::uuid[]) AS t (user_id, id)
        JOIN users u ON u.id = t.user_id LEFT JOIN notification_preferences p ON p.user_id = u.id
        WHERE u.banned_at IS NULL AND ${type}::notification_type <> ALL (COALESCE(p.disabled, '{}')) ${notTheActor}
      ), told AS (
        INSERT INTO notification_causes (user_id, key, actor_id, notification_id)
        SELECT user_id, ${key}, ${actorId}::uuid, CASE WHEN ${groupKey}::text IS NULL THEN id END
        FROM asked ORDER BY user_id
        ON CONFLICT DO NOTHING RETURNING user_id
      )
      INSERT INTO notifications AS n (id, user_id, type, group_key, actor_id, data, held_until, shown)
      SELECT id, user_id, ${type}::notification_type, ${groupKey}, ${actorId}::uuid, ${JSON.stringify(data)}::jsonb,
        held_until, held_until IS NULL
      FROM told JOIN asked USING (user_id) ORDER BY user_id
      ON CONFLICT (user_id, group_key) WHERE read_at IS NULL AND group_key IS NOT NULL DO UPDATE
      SET actor_id = EXCLUDED.actor_id, data = EXCLUDED.data, changed_xid = pg_current_xact_id(),
        held_until = COALESCE(n.held_until, EXCLUDED.held_until),
        updated_at = GREATEST(now(), n.updated_at + interval '1 ms')
      RETURNING n.id`;
    return rows.map(({ id }) => id);
  }

  /**
   * The same for types that share a notification. Whether the actor is one more is asked by a second statement,
   * under the first one's lock: its snapshot sees what all others before have stored.
   */
  private async group(
    tx: Prisma.TransactionClient,
    cause: NotificationCause,
    recipientIds: string[],
    proposed: string[],
  ): Promise<string[]> {
    const ids = await this.store(tx, cause, recipientIds, proposed);
    await tx.$executeRaw`
      WITH counted AS (
        UPDATE notifications n SET others_count = others_count + 1
        WHERE id = ANY (${ids}::uuid[]) AND id <> ALL (${proposed}::uuid[]) AND NOT EXISTS (
          SELECT FROM notification_causes c WHERE c.notification_id = n.id AND c.actor_id = ${cause.actorId}::uuid)
      )
      UPDATE notification_causes c SET notification_id = n.id FROM notifications n
      WHERE n.id = ANY (${ids}::uuid[]) AND c.user_id = n.user_id AND c.key = ${cause.key}`;
    return ids;
  }

  private async storedOf({ key }: NotificationCause, recipientIds: string[]): Promise<string[]> {
    const rows = await this.prisma.$queryRaw<{ id: string }[]>`
      SELECT notification_id AS id FROM notification_causes
      WHERE user_id = ANY (${recipientIds}::uuid[]) AND key = ${key} AND notification_id IS NOT NULL`;
    return rows.map(({ id }) => id);
  }

  /** Of those that an earlier run stored, the ones that were added to since are told as updated: their times differ. */
  private async show(ids: string[], inserted: Set<string>): Promise<void> {
    if (ids.length === 0) return;
    const rows = await this.prisma.$queryRaw<NotificationRow[]>`
      ${SELECT_ROWS} WHERE n.id = ANY (${ids}::uuid[]) AND n.held_until IS NULL AND n.read_at IS NULL`;
    for (const row of rows) {
      const isNew = inserted.has(row.id) || row.updated_at.getTime() === row.created_at.getTime();
      this.emitter.toUser(row.user_id, isNew ? 'notification:new' : 'notification:updated', toDto(row));
    }
  }
}
