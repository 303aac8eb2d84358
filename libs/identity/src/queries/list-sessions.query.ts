import type { SessionPage } from '#contracts';
import { idsBefore, idCursor, pageOf, PrismaService } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';

/** The user's signed-in devices, newest first (`GET auth/sessions`). @throws AppError INVALID_DATA (names `cursor`) */
export class ListSessions extends Query<SessionPage> {
  constructor(
    readonly userId: string,
    /** The session that makes the request. */
    readonly sessionId: string,
    readonly limit: number,
    readonly cursor?: string,
  ) {
    super();
  }
}

@QueryHandler(ListSessions)
export class ListSessionsHandler implements IQueryHandler<ListSessions> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId, sessionId, limit, cursor }: ListSessions): Promise<SessionPage> {
    const sessions = await this.prisma.session.findMany({
      where: { userId, revokedAt: null, expiresAt: { gt: new Date() }, id: { lt: idsBefore(cursor) } },
      // Ids are UUIDv7, so they are in the order of sign-in.
      orderBy: { id: 'desc' },
      take: limit + 1,
    });
    const { items, next_cursor } = pageOf(sessions, limit, idCursor);
    return {
      items: items.map((session) => ({
        id: session.id,
        device: session.device,
        user_agent: session.userAgent,
        ip: session.ip,
        created_at: session.createdAt.toISOString(),
        last_used_at: session.refreshedAt.toISOString(),
        expires_at: session.expiresAt.toISOString(),
        current: session.id === sessionId,
      })),
      next_cursor,
    };
  }
}
