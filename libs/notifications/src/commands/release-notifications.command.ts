import { PrismaService, RealtimeEmitter, type Prisma } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { SELECT_ROWS, toDto, type NotificationRow } from '../notification-rows.js';

const BATCH = 500;

/** Shows what quiet hours held back and whose time has come; answers how many. */
export class ReleaseNotifications extends Command<number> {}

@CommandHandler(ReleaseNotifications)
export class ReleaseNotificationsHandler implements ICommandHandler<ReleaseNotifications> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly emitter: RealtimeEmitter,
  ) {}

  async execute(): Promise<number> {
    for (let total = 0; ;) {
      const released = await this.prisma.$transaction((tx) => this.release(tx));
      total += released;
      if (released < BATCH) return total;
    }
  }

  /**
   * Told before it is noted: after a death in between it is told again, and a client knows it by its id. The rows
   * themselves are long committed.
   */
  private async release(tx: Prisma.TransactionClient): Promise<number> {
    const rows = await tx.$queryRaw<NotificationRow[]>`
      ${SELECT_ROWS} WHERE n.held_until <= now() ORDER BY n.held_until LIMIT ${BATCH} FOR UPDATE OF n SKIP LOCKED`;
    for (const row of rows)
      if (row.read_at === null)
        this.emitter.toUser(row.user_id, row.shown ? 'notification:updated' : 'notification:new', toDto(row));
    const ids = rows.map(({ id }) => id);
    if (ids.length > 0)
      await tx.$executeRaw`
        UPDATE notifications SET held_until = NULL, shown = true WHERE id = ANY (${ids}::uuid[])`;
    return rows.length;
  }
}
