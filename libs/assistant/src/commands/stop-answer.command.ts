import { PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Answers } from '../answers/answers.js';
import { noSuchChat } from '../conversations/conversation.js';

/** Ends the current answer of a chat, also one that has not begun; its text so far is kept. @throws AppError NOT_FOUND */
export class StopAnswer extends Command<void> {
  constructor(
    readonly userId: string,
    readonly chatId: string,
  ) {
    super();
  }
}

@CommandHandler(StopAnswer)
export class StopAnswerHandler implements ICommandHandler<StopAnswer> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly answers: Answers,
  ) {}

  async execute({ userId, chatId }: StopAnswer): Promise<void> {
    const chat = await this.prisma.assistantChat.findUnique({
      where: { id: chatId, userId },
      select: { id: true },
    });
    if (!chat) throw noSuchChat();
    this.answers.stop(chatId);
  }
}
