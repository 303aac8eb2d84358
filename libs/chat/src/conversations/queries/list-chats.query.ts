import type { ChatPage, ChatsQuery } from '#contracts';
import { LargePages, Prisma, PrismaService, decodeCursor, encodeCursor, type Sized } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { ChatViews } from '../chat-views.js';
import { CHAT_BYTES } from '../chat-views.sql.js';
import { IS_LISTED } from '../../membership/membership.js';

/** The user's chats, newest activity first: the listed ones, or the archived ones. */
export class ListChats extends Query<ChatPage> {
  constructor(
    readonly userId: string,
    readonly query: ChatsQuery,
  ) {
    super();
  }
}

@QueryHandler(ListChats)
export class ListChatsHandler implements IQueryHandler<ListChats> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly views: ChatViews,
    private readonly large: LargePages,
  ) {}

  async execute({ userId, query: { limit, cursor, archived } }: ListChats): Promise<ChatPage> {
    const [at, id] = decodeCursor(cursor, 'number', 'id');
    const after =
      at === undefined
        ? Prisma.empty
        : Prisma.sql`AND (c.activity_at, c.id::text) < (${new Date(at)}, ${id})`;
    const found = await this.prisma.$queryRaw<(Sized & { activity_at: Date })[]>`
      SELECT c.id, c.activity_at, ${CHAT_BYTES} FROM (
      SELECT c.id, c.last_seq, c.activity_at FROM chat_members p JOIN chats c ON c.id = p.chat_id
      WHERE p.user_id = ${userId}::uuid AND p.left_at IS NULL AND ${IS_LISTED} AND (p.archived_at IS NOT NULL) = ${archived} ${after}
      ORDER BY c.activity_at DESC, c.id::text DESC LIMIT ${limit + 1}
      ) c ORDER BY c.activity_at DESC, c.id::text DESC`;
    return this.large.list(
      userId,
      found,
      limit,
      (ids) => this.views.of(userId, ...ids),
      ({ id, activity_at }) => encodeCursor([activity_at.getTime(), id]),
    );
  }
}
