import type { AssistantChatWithMessages, AssistantHistoryQuery, AssistantMessageDto } from '#contracts';
import { PrismaService } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { noSuchChat, toChat } from '../conversation.js';

/** A chat with a page of what was said in it. An answer in progress is not among it. @throws AppError NOT_FOUND */
export class FindAssistantChat extends Query<AssistantChatWithMessages> {
  constructor(
    readonly userId: string,
    readonly chatId: string,
    readonly page: AssistantHistoryQuery,
  ) {
    super();
  }
}

@QueryHandler(FindAssistantChat)
export class FindAssistantChatHandler implements IQueryHandler<FindAssistantChat> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId, chatId, page }: FindAssistantChat): Promise<AssistantChatWithMessages> {
    const { limit, cursor } = page;
    const messages = await this.prisma.assistantMessage.findMany({
      where: {
        chatId,
        chat: { userId },
        status: { notIn: ['streaming', 'replaced'] },
        ...(cursor && { seq: { lt: cursor } }),
      },
      orderBy: { seq: 'desc' },
      take: limit + 1,
    });
    // Afterwards: who is told of the first answer is told of the title that came with it.
    const chat = await this.prisma.assistantChat.findUnique({ where: { id: chatId, userId } });
    if (!chat) throw noSuchChat();
    const shown = messages.slice(0, limit);
    return {
      ...toChat(chat),
      messages: shown.reverse().map(({ id, role, content, status, createdAt }) => ({
        id,
        role,
        content,
        status: status as AssistantMessageDto['status'],
        created_at: createdAt.toISOString(),
      })),
      next_cursor: messages.length > limit ? String(shown[0]!.seq) : null,
    };
  }
}
