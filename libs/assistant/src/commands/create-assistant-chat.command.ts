import { AppError, type AssistantChatDto } from '#contracts';
import { REACH, PrismaService, newId } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { NEW_CHAT, toChat } from '../conversations/conversation.js';

/** Creates an empty chat with the assistant. @throws AppError CONFLICT (when the user has too many) */
export class CreateAssistantChat extends Command<AssistantChatDto> {
  constructor(readonly userId: string) {
    super();
  }
}

@CommandHandler(CreateAssistantChat)
export class CreateAssistantChatHandler implements ICommandHandler<CreateAssistantChat> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId }: CreateAssistantChat): Promise<AssistantChatDto> {
    const chat = await this.prisma.$transaction(async (tx) => {
      // The second of two concurrent calls counts the first.
      await tx.$queryRaw`SELECT FROM users WHERE id = ${userId}::uuid FOR NO KEY UPDATE`;
      if ((await tx.assistantChat.count({ where: { userId } })) >= REACH.assistantChats.most)
        throw new AppError(
          'CONFLICT',
          `Limit of ${REACH.assistantChats.most} chats with the assistant reached`,
        );
      return tx.assistantChat.create({ data: { id: newId(), userId, title: NEW_CHAT } });
    });
    return toChat(chat);
  }
}
