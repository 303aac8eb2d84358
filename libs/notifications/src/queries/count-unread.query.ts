import type { NotificationCount } from '#contracts';
import { PrismaService } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { UNREAD_COUNT } from '../delivery/notification-rows.js';

export class CountUnread extends Query<NotificationCount> {
  constructor(readonly userId: string) {
    super();
  }
}

@QueryHandler(CountUnread)
export class CountUnreadHandler implements IQueryHandler<CountUnread> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId }: CountUnread): Promise<NotificationCount> {
    const [count] = await this.prisma.$queryRaw<[NotificationCount]>`${UNREAD_COUNT(userId)}`;
    return count;
  }
}
