import { AppError, type NotificationReadAck } from '#contracts';
import { PrismaService } from '#platform';
import { EventPublisher, userTopic } from '#realtime';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';

/**
 * Marks a notification as read and publishes it to the user's other devices. If it was read before, the earlier time is
 * answered.
 * @throws AppError NOT_FOUND (also for another user's or a hidden notification)
 */
export class ReadNotification extends Command<NotificationReadAck> {
  constructor(
    readonly userId: string,
    readonly id: string,
    /** The device that makes the request, if it uses its socket. */
    readonly socketId?: string,
  ) {
    super();
  }
}

@CommandHandler(ReadNotification)
export class ReadNotificationHandler implements ICommandHandler<ReadNotification> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly publisher: EventPublisher,
  ) {}

  async execute({ userId, id, socketId }: ReadNotification): Promise<NotificationReadAck> {
    const [read] = await this.prisma.$queryRaw<{ read_at: Date }[]>`
      UPDATE notifications SET read_at = now(), held_until = NULL, changed_xid = pg_current_xact_id()
      WHERE id = ${id}::uuid AND user_id = ${userId}::uuid AND read_at IS NULL AND NOT hidden
      RETURNING read_at`;
    if (!read) return this.readBefore(userId, id);
    const ack = toAck(id, read.read_at);
    this.publisher.publish(userTopic(userId), 'notification:read', ack, { exceptConnection: socketId });
    return ack;
  }

  private async readBefore(userId: string, id: string): Promise<NotificationReadAck> {
    const found = await this.prisma.notification.findFirst({
      where: { id, userId, hidden: false },
      select: { readAt: true },
    });
    if (!found?.readAt) throw new AppError('NOT_FOUND', 'No such notification');
    return toAck(id, found.readAt);
  }
}

export const toAck = (id: string, readAt: Date): NotificationReadAck => ({
  notification_id: id,
  is_read: true,
  read_at: readAt.toISOString(),
});
