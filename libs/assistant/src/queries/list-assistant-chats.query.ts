import type { AssistantChatPage, PageQuery } from '#contracts';
import { PrismaService, decodeCursor, encodeCursor, pageOf } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { toChat } from '../conversations/conversation.js';

/** The user's chats with the assistant, most recently used first. @throws AppError INVALID_DATA (names `cursor`) */
export class ListAssistantChats extends Query<AssistantChatPage> {
  constructor(
    readonly userId: string,
    readonly page: PageQuery,
  ) {
    super();
  }
}

@QueryHandler(ListAssistantChats)
export class ListAssistantChatsHandler implements IQueryHandler<ListAssistantChats> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId, page: { limit, cursor } }: ListAssistantChats): Promise<AssistantChatPage> {
    const [at, id] = decodeCursor(cursor, 'number', 'id');
    const updatedAt = at === undefined ? undefined : new Date(at);
    const rows = await this.prisma.assistantChat.findMany({
      where: {
        userId,
        ...(updatedAt && { OR: [{ updatedAt: { lt: updatedAt } }, { updatedAt, id: { lt: id } }] }),
      },
      orderBy: [{ updatedAt: 'desc' }, { id: 'desc' }],
      take: limit + 1,
    });
    const page = pageOf(rows, limit, (last) => encodeCursor([last.updatedAt.getTime(), last.id]));
    return { ...page, items: page.items.map(toChat) };
  }
}
