import { MAX_PAGE } from '#contracts';
import { PrismaService, logger } from '#platform';
import { EventQueue } from '#realtime';
import { Injectable } from '@nestjs/common';
import { SELECT_ROWS, toDto, type NotificationRow } from './notification-rows.js';
import type { Revised } from '../revisions/revise.js';

/** Publishes notifications whose causes have changed, after the commit. */
@Injectable()
export class NotificationPublisher {
  constructor(
    private readonly prisma: PrismaService,
    private readonly queue: EventQueue,
  ) {}

  /** A failure does not fail the committed write: devices get the changes by a sync. */
  async publish(revised: Revised[]): Promise<void> {
    await this.publishOrFail(revised).catch((err: Error) =>
      logger.error({ err }, 'publishing changed notifications failed'),
    );
  }

  /** For a job, which retries when it fails. Each user receives at most one page of events; a sync returns the rest. */
  async publishOrFail(revised: Revised[]): Promise<void> {
    await this.queue.hasRoom();
    // Devices never received a notification that quiet hours delayed, so there is nothing to remove.
    await this.publishRemoved(revised.filter((each) => each.hidden && !each.wasHidden && each.wasShown));
    const shown = new Map(revised.filter(({ hidden }) => !hidden).map((each) => [each.id, each.wasShown]));
    if (shown.size === 0) return;
    const rows = await this.prisma.$queryRaw<NotificationRow[]>`
      ${SELECT_ROWS} WHERE n.id = ANY(${[...shown.keys()]}::uuid[]) AND NOT n.hidden AND n.held_until IS NULL`;
    const published = new Map<string, number>();
    for (const row of rows) {
      const count = (published.get(row.user_id) ?? 0) + 1;
      published.set(row.user_id, count);
      if (count > MAX_PAGE) continue;
      const event = shown.get(row.id) ? 'notification:updated' : 'notification:new';
      this.queue.add(row.user_id, event, [toDto(row)]);
    }
  }

  private async publishRemoved(removed: Revised[]): Promise<void> {
    if (removed.length === 0) return;
    const users = new Map<string, string[]>();
    for (const { id, userId } of removed) {
      const ids = users.get(userId) ?? [];
      users.set(userId, ids);
      ids.push(id);
      if (ids.length > MAX_PAGE) ids.shift();
    }
    const counts = await this.prisma.$queryRaw<{ user_id: string; unread_count: number }[]>`
      SELECT u.id AS user_id, (SELECT count(*)::int FROM notifications
        WHERE user_id = u.id AND read_at IS NULL AND NOT hidden) AS unread_count
      FROM unnest(${[...users.keys()]}::uuid[]) AS u (id)`;
    for (const { user_id, unread_count } of counts) {
      this.queue.add(
        user_id,
        'notification:removed',
        users.get(user_id)!.map((notification_id) => ({ notification_id, unread_count })),
      );
    }
  }
}
