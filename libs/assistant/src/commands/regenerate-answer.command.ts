import { AppError } from '#contracts';
import { PrismaService, RateLimits } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Question } from '../answers/answer-store.js';
import { Answers } from '../answers/answers.js';
import { noSuchChat } from '../conversations/conversation.js';
import { Model } from '../model/model.js';

/**
 * Generates another answer to the last question. It replaces the existing or current answer.
 * @throws AssistantUnavailable, AppError RATE_LIMIT, UNAVAILABLE, NOT_FOUND, CONFLICT (without a question, or while it
 *   waits for its first answer)
 */
export class RegenerateAnswer extends Command<void> {
  constructor(
    readonly userId: string,
    readonly chatId: string,
  ) {
    super();
  }
}

@CommandHandler(RegenerateAnswer)
export class RegenerateAnswerHandler implements ICommandHandler<RegenerateAnswer> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly limits: RateLimits,
    private readonly model: Model,
    private readonly answers: Answers,
  ) {}

  async execute(asked: RegenerateAnswer): Promise<void> {
    this.model.requireClient();
    await this.answers.answer(asked.userId, () => this.ask(asked));
  }

  private async ask({ userId, chatId }: RegenerateAnswer): Promise<Question> {
    await this.limits.take('assistant', userId);
    await this.limits.take('assistantDay', userId);
    const chat = await this.prisma.assistantChat.findUnique({ where: { id: chatId, userId } });
    if (!chat) throw noSuchChat();
    const question = await this.prisma.assistantMessage.findFirst({
      where: { chatId, role: 'user' },
      orderBy: { seq: 'desc' },
    });
    if (!question) throw new AppError('CONFLICT', 'No question to answer');
    // Its first answer is still to come, after earlier questions.
    if (this.answers.isWaiting(question.id))
      throw new AppError('CONFLICT', 'The question is still waiting for its answer');
    await this.answers.stopAnswerTo(chatId, question.id);
    return { id: question.id, chatId, userId, content: question.content };
  }
}
