import type { AssistantChatWithMessages, AssistantHistoryQuery, AssistantMessageDto } from '#contracts';
import { PAGE_BYTES, Prisma, PrismaService, withinPage } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { noSuchChat, toChat } from '../conversation.js';

type Row = Omit<AssistantMessageDto, 'created_at'> & { created_at: Date; seq: number };

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
    // Answers are long: of those that are not shown no more than one is read.
    const rows = await this.prisma.$queryRaw<Row[]>`
      SELECT id, role, content, status, created_at, seq FROM (
        SELECT m.*, sum(octet_length(content)) OVER (ORDER BY seq DESC) - octet_length(content) AS bytes_before
        FROM assistant_messages m
        WHERE chat_id = ${chatId}::uuid AND status NOT IN ('streaming', 'replaced')
          AND EXISTS (SELECT FROM assistant_chats WHERE id = chat_id AND user_id = ${userId}::uuid)
          ${cursor ? Prisma.sql`AND seq < ${cursor}` : Prisma.empty}
        ORDER BY seq DESC LIMIT ${limit + 1}
      ) AS newest
      WHERE bytes_before <= ${PAGE_BYTES} ORDER BY seq DESC`;
    // Afterwards: who is told of the first answer is told of the title that came with it.
    const chat = await this.prisma.assistantChat.findUnique({ where: { id: chatId, userId } });
    if (!chat) throw noSuchChat();
    const cursorAfter = ({ seq }: Row) => String(seq);
    const shown = rows.slice(0, limit);
    const { items, next_cursor } = withinPage(
      { items: shown, next_cursor: rows.length > limit ? cursorAfter(shown.at(-1)!) : null },
      cursorAfter,
    );
    return {
      ...toChat(chat),
      messages: items
        .reverse()
        .map(({ seq: _, created_at, ...message }) => ({ ...message, created_at: created_at.toISOString() })),
      next_cursor,
    };
  }
}
