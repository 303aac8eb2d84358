import type { AssistantChatWithMessages, AssistantHistoryQuery, AssistantMessageDto } from '#contracts';
import { LargePages, Prisma, PrismaService, pageOf } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { noSuchChat, toChat } from '../conversations/conversation.js';

type Row = Omit<AssistantMessageDto, 'created_at'> & { created_at: Date; seq: number; bytes: number };

/** A chat with a page of its messages, without an answer in progress. @throws AppError NOT_FOUND */
export class GetAssistantChat extends Query<AssistantChatWithMessages> {
  constructor(
    readonly userId: string,
    readonly chatId: string,
    readonly page: AssistantHistoryQuery,
  ) {
    super();
  }
}

@QueryHandler(GetAssistantChat)
export class GetAssistantChatHandler implements IQueryHandler<GetAssistantChat> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly large: LargePages,
  ) {}

  async execute({ userId, chatId, page }: GetAssistantChat): Promise<AssistantChatWithMessages> {
    const { limit } = page;
    const rows = await this.large.read(
      userId,
      (bytes) => this.newest(userId, chatId, page, bytes),
      (newest) => newest.at(-1)?.bytes ?? 0,
    );
    // Read afterwards, so that a page with the first answer also has the title from it.
    const chat = await this.prisma.assistantChat.findUnique({ where: { id: chatId, userId } });
    if (!chat) throw noSuchChat();
    const { items, next_cursor } = pageOf(rows, limit, ({ seq }) => String(seq));
    return {
      ...toChat(chat),
      messages: items.reverse().map(({ seq: _, bytes: __, created_at, ...message }) => ({
        ...message,
        created_at: created_at.toISOString(),
      })),
      next_cursor,
    };
  }

  /** Answers are long: at most one is read that is not shown. */
  private newest(
    userId: string,
    chatId: string,
    { limit, cursor }: AssistantHistoryQuery,
    mostBytes: number,
  ): Promise<Row[]> {
    return this.prisma.$queryRaw<Row[]>`
      SELECT id, role, content, status, created_at, seq, bytes::int FROM (
        SELECT m.*, sum(octet_length(content)) OVER (ORDER BY seq DESC) AS bytes
        FROM assistant_messages m
        WHERE chat_id = ${chatId}::uuid AND status NOT IN ('streaming', 'replaced')
          AND EXISTS (SELECT FROM assistant_chats WHERE id = chat_id AND user_id = ${userId}::uuid)
          ${cursor ? Prisma.sql`AND seq < ${cursor}` : Prisma.empty}
        ORDER BY seq DESC LIMIT ${limit + 1}
      ) AS newest
      WHERE bytes - octet_length(content) <= ${mostBytes} ORDER BY seq DESC`;
  }
}
