import { PrismaService, type Prisma } from '#platform';
import { EventPublisher, userTopic } from '#realtime';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { SELECT_ROWS, toDto, type NotificationRow } from '../delivery/notification-rows.js';

const BATCH = 500;

/** Shows the notifications whose quiet hours have ended. Answers their number. */
export class ReleaseNotifications extends Command<number> {}

@CommandHandler(ReleaseNotifications)
export class ReleaseNotificationsHandler implements ICommandHandler<ReleaseNotifications> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly publisher: EventPublisher,
  ) {}

  async execute(): Promise<number> {
    for (let total = 0; ;) {
      const released = await this.prisma.$transaction((tx) => this.release(tx));
      total += released;
      if (released < BATCH) return total;
    }
  }

  /**
   * Published before it is recorded: after a crash in between it is published again, and a client recognizes it by its
   * id. The rows themselves were committed long before.
   */
  private async release(tx: Prisma.TransactionClient): Promise<number> {
    const rows = await tx.$queryRaw<NotificationRow[]>`
      ${SELECT_ROWS} WHERE n.held_until <= now() AND NOT n.hidden ORDER BY n.held_until LIMIT ${BATCH} FOR UPDATE OF n SKIP LOCKED`;
    const ids = rows.map(({ id }) => id);
    const unwanted = await this.unwanted(tx, ids);
    for (const row of rows)
      if (row.read_at === null && !unwanted.has(row.id))
        this.publisher.publish(
          userTopic(row.user_id),
          row.shown ? 'notification:updated' : 'notification:new',
          toDto(row),
        );
    if (ids.length > 0)
      await tx.$executeRaw`
        UPDATE notifications SET held_until = NULL, shown = true WHERE id = ANY (${ids}::uuid[])`;
    return rows.length;
  }

  /** Notifications of a type that was disabled during the quiet hours. */
  private async unwanted(tx: Prisma.TransactionClient, ids: string[]): Promise<Set<string>> {
    const rows = await tx.$queryRaw<{ id: string }[]>`
      SELECT n.id FROM notifications n JOIN notification_preferences p ON p.user_id = n.user_id
      WHERE n.id = ANY (${ids}::uuid[]) AND n.type = ANY (p.disabled)
        AND (n.data->>'announcement') IS DISTINCT FROM 'true'`;
    return new Set(rows.map(({ id }) => id));
  }
}
