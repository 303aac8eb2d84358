import { MAX_PAGE, type NotificationCount } from '#contracts';
import { PrismaService } from '#platform';
import { EventQueue } from '#realtime';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { UNREAD_COUNT } from '../delivery/notification-rows.js';
import { toAck } from './read-notification.command.js';

/**
 * Marks all notifications of a user as read. Devices receive one event for each of the newest 200, as many as a list
 * shows. Older ones appear as read when they are listed.
 */
export class ReadAllNotifications extends Command<NotificationCount> {
  constructor(readonly userId: string) {
    super();
  }
}

@CommandHandler(ReadAllNotifications)
export class ReadAllNotificationsHandler implements ICommandHandler<ReadAllNotifications> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly queue: EventQueue,
  ) {}

  async execute({ userId }: ReadAllNotifications): Promise<NotificationCount> {
    const read = await this.prisma.$queryRaw<{ id: string; read_at: Date }[]>`
      WITH unread AS (
        SELECT id FROM notifications WHERE user_id = ${userId}::uuid AND read_at IS NULL AND NOT hidden
        ORDER BY id FOR NO KEY UPDATE
      ), read AS (
        UPDATE notifications n SET read_at = now(), held_until = NULL, changed_xid = pg_current_xact_id()
        FROM unread WHERE n.id = unread.id RETURNING n.id, n.read_at, n.updated_at
      ) SELECT id, read_at FROM read ORDER BY updated_at DESC, id DESC LIMIT ${MAX_PAGE}`;
    const events = read.map(({ id, read_at }) => toAck(id, read_at));
    await this.queue.hasRoom();
    if (events.length > 0) this.queue.add(userId, 'notification:read', events);
    const [count] = await this.prisma.$queryRaw<[NotificationCount]>`${UNREAD_COUNT(userId)}`;
    return count;
  }
}
