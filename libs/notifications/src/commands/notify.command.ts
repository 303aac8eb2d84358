import type { NotificationCause } from '#contracts';
import { addJobs, inParts, Prisma, PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { holds, locksOf } from '../revisions/valid-causes.js';
import { NOTIFICATION_RULES } from '../types/notification-types.js';
import { NotificationPublisher } from '../delivery/notification-publisher.js';
import { notifyOnce, type Stored } from './notify.sql.js';
import { keyAs, lockNotifications, lockAudience, reviseLocked, type Revised } from '../revisions/revise.js';

/** One statement notifies so many users in a fraction of a second. */
export const RECIPIENTS = 1000;

/**
 * Stores the job that notifies users, in the transaction of the event. The job decides on the recipients (preferences,
 * blocks, grouping) and texts when it runs.
 */
export async function enqueueNotification(
  tx: Prisma.TransactionClient,
  recipientIds: string[],
  cause: NotificationCause,
): Promise<void> {
  await enqueueNotifications(tx, [{ recipientIds, cause }]);
}

/** The same for many events at once. */
export async function enqueueNotifications(
  tx: Prisma.TransactionClient,
  notifications: { recipientIds: string[]; cause: NotificationCause }[],
): Promise<void> {
  const jobs = notifications.flatMap(({ recipientIds, cause }) => {
    const recipients = [...new Set(recipientIds)].filter((id) => id !== cause.actorId);
    return inParts(recipients, RECIPIENTS).map((part) => ({ cause, recipientIds: part }));
  });
  if (jobs.length > 0) await addJobs(tx, 'notify', jobs);
}

/**
 * Notifies up to 1,000 users, each of them once, however often it runs. `again`: an earlier run may have died between
 * its commit and its live events. So the events of everything it stored are published again; a client recognizes a
 * notification by its id.
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

const causeOf = (key: string, userIds: string[]): Prisma.Sql =>
  Prisma.sql`c.key = ${key} AND c.user_id = ANY(${userIds}::uuid[])`;

@CommandHandler(Notify)
export class NotifyHandler implements ICommandHandler<Notify> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly publisher: NotificationPublisher,
  ) {}

  async execute({ cause, recipientIds, again }: Notify): Promise<void> {
    const { fallback, ...main } = cause;
    const unwanting = fallback ? await this.unwanting(cause, recipientIds) : new Set<string>();
    const [rest, wanting] = [true, false].map((is) => recipientIds.filter((id) => unwanting.has(id) === is));
    await this.publish(main, wanting!, again);
    // The same key: a user who changes preferences between two runs is not notified twice.
    if (fallback) await this.publish({ ...main, ...fallback }, rest!, again);
  }

  private async unwanting({ type }: NotificationCause, recipientIds: string[]): Promise<Set<string>> {
    const rows = await this.prisma.$queryRaw<{ user_id: string }[]>`
      SELECT user_id FROM notification_preferences
      WHERE user_id = ANY(${recipientIds}::uuid[]) AND ${type}::notification_type = ANY(disabled)`;
    return new Set(rows.map(({ user_id }) => user_id));
  }

  private async publish(cause: NotificationCause, recipientIds: string[], again: boolean): Promise<void> {
    if (recipientIds.length === 0) return;
    const revised = await this.prisma.$transaction((tx) => this.store(tx, cause, recipientIds));
    const ids = new Set(revised.map(({ id }) => id));
    const earlier = again ? await this.storedOf(cause, recipientIds) : [];
    await this.publisher.publishOrFail([...revised, ...earlier.filter(({ id }) => !ids.has(id))]);
  }

  /** The locks make a concurrent undo, ban or block wait, and then find the rows stored here. */
  private async store(
    tx: Prisma.TransactionClient,
    cause: NotificationCause,
    recipientIds: string[],
  ): Promise<Revised[]> {
    await lockAudience(
      tx,
      [cause.actorId, cause.ownerId].filter((id) => id != null),
      'shared',
    );
    for (const lock of locksOf(cause, recipientIds)) await tx.$queryRaw(lock);
    const rows = await tx.$queryRaw<Stored[]>(notifyOnce(cause, recipientIds));
    const notified = rows.filter(({ id }) => id === null).map(({ userId }) => userId);
    const stored = rows.flatMap(({ id, userId, hidden }) => (id === null ? [] : { id, userId, hidden }));
    const repeated = notified.length > 0 ? await this.repeat(tx, cause, notified) : [];
    const otherwise = notified.length > 0 ? await this.notifiedAsAnotherType(tx, cause, notified) : [];
    return [
      ...(NOTIFICATION_RULES[cause.type].grouped
        ? await this.join(tx, cause, stored)
        : stored.map((each) => ({ ...each, wasHidden: true, wasShown: false }))),
      ...repeated,
      ...(otherwise.length > 0
        ? await this.store(tx, { ...cause, key: keyAs(cause.key, cause.type) }, otherwise)
        : []),
    ];
  }

  /** Runs under the locks of the groups' rows, which the insert has taken. */
  private async join(
    tx: Prisma.TransactionClient,
    { key }: NotificationCause,
    stored: { id: string; userId: string }[],
  ): Promise<Revised[]> {
    const ids = stored.map(({ id }) => id);
    await tx.$executeRaw`
      UPDATE notification_causes c SET notification_id = n.id, at = clock_timestamp() FROM notifications n
      WHERE n.id = ANY (${ids}::uuid[]) AND c.user_id = n.user_id AND c.key = ${key}`;
    return reviseLocked(
      tx,
      ids,
      causeOf(
        key,
        stored.map(({ userId }) => userId),
      ),
    );
  }

  /** Handles a cause that was notified before and happens again, perhaps by another repost or request. */
  private async repeat(
    tx: Prisma.TransactionClient,
    { key, type, data }: NotificationCause,
    userIds: string[],
  ): Promise<Revised[]> {
    const which = causeOf(key, userIds);
    const ids = await lockNotifications(tx, which);
    // A job overtaken by a later one with the same key must not restore outdated data.
    await tx.$executeRaw`
      UPDATE notification_causes SET data = c.data FROM (
        SELECT c.key, c.user_id, c.actor_id, c.owner_id, ${JSON.stringify(data)}::jsonb AS data
        FROM notification_causes c JOIN notifications n ON n.id = c.notification_id
        WHERE ${which} AND c.data <> ${JSON.stringify(data)}::jsonb AND n.type = ${type}::notification_type
      ) AS c
      WHERE notification_causes.key = c.key AND notification_causes.user_id = c.user_id
        AND ${holds(Prisma.sql`${type}::notification_type`)}`;
    return reviseLocked(tx, ids, which);
  }

  /** Users who were notified by this key as another type that is gone: a reposted post whose type was then disabled. */
  private async notifiedAsAnotherType(
    tx: Prisma.TransactionClient,
    { key, type }: NotificationCause,
    userIds: string[],
  ): Promise<string[]> {
    const rows = await tx.$queryRaw<{ user_id: string }[]>`
      SELECT c.user_id FROM notification_causes c JOIN notifications n ON n.id = c.notification_id
      WHERE ${causeOf(key, userIds)} AND c.gone AND n.type <> ${type}::notification_type`;
    return rows.map(({ user_id }) => user_id);
  }

  /** Notifications that were added to since are published as updated: their times differ. */
  private storedOf({ key }: NotificationCause, recipientIds: string[]): Promise<Revised[]> {
    return this.prisma.$queryRaw<Revised[]>`
      SELECT n.id, n.user_id AS "userId", n.hidden, false AS "wasHidden", n.updated_at <> n.created_at AS "wasShown"
      FROM notification_causes c JOIN notifications n ON n.id = c.notification_id
      WHERE c.user_id = ANY (${recipientIds}::uuid[]) AND c.key = ${key} AND n.read_at IS NULL AND NOT n.hidden`;
  }
}
