import { PrismaService } from '#platform';
import { EventPublisher } from '#realtime';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Answers } from '../answers/answers.js';
import { noSuchChat } from '../conversations/conversation.js';

/** Deletes a chat with all its messages, and ends its current answer. @throws AppError NOT_FOUND */
export class DeleteAssistantChat extends Command<void> {
  constructor(
    readonly userId: string,
    readonly chatId: string,
  ) {
    super();
  }
}

@CommandHandler(DeleteAssistantChat)
export class DeleteAssistantChatHandler implements ICommandHandler<DeleteAssistantChat> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly answers: Answers,
    private readonly publisher: EventPublisher,
  ) {}

  async execute({ userId, chatId }: DeleteAssistantChat): Promise<void> {
    const { count } = await this.prisma.assistantChat.deleteMany({ where: { id: chatId, userId } });
    if (count === 0) throw noSuchChat();
    this.answers.stop(chatId);
    // The last event for devices that have the chat open.
    const { code, message } = noSuchChat();
    this.publisher.publishAssistant(chatId, { type: 'error', data: { message, code } });
  }
}
