import { PrismaService, RateLimits, newId } from '#platform';
import { EventPublisher } from '#realtime';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Question } from '../answers/answer-store.js';
import { Answers } from '../answers/answers.js';
import { noSuchChat } from '../conversations/conversation.js';
import { Model } from '../model/model.js';
import { Prompts } from '../model/prompt.js';

/**
 * Stores a question, shows it on each device that has the chat open (`user_message`), and queues it for an answer.
 * @throws AssistantUnavailable, AppError RATE_LIMIT, UNAVAILABLE, NOT_FOUND, MESSAGE_TOO_LARGE
 */
export class AskAssistant extends Command<void> {
  constructor(
    readonly userId: string,
    readonly chatId: string,
    readonly content: string,
  ) {
    super();
  }
}

@CommandHandler(AskAssistant)
export class AskAssistantHandler implements ICommandHandler<AskAssistant> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly limits: RateLimits,
    private readonly model: Model,
    private readonly prompts: Prompts,
    private readonly publisher: EventPublisher,
    private readonly answers: Answers,
  ) {}

  async execute(asked: AskAssistant): Promise<void> {
    this.model.requireClient();
    await this.answers.answer(asked.userId, () => this.ask(asked));
  }

  private async ask({ userId, chatId, content }: AskAssistant): Promise<Question> {
    await this.limits.take('assistant', userId);
    await this.limits.take('assistantDay', userId);
    await this.prompts.requireFits(content);
    const id = newId();
    const [stored] = await this.prisma.$queryRaw<{ created_at: Date }[]>`
      WITH chat AS (
        UPDATE assistant_chats SET last_seq = last_seq + 1, updated_at = now()
        WHERE id = ${chatId}::uuid AND user_id = ${userId}::uuid RETURNING last_seq
      )
      INSERT INTO assistant_messages (id, chat_id, seq, role, status, content)
      SELECT ${id}::uuid, ${chatId}::uuid, last_seq, 'user', 'complete', ${content} FROM chat
      RETURNING created_at`;
    if (!stored) throw noSuchChat();
    const timestamp = stored.created_at.toISOString();
    this.publisher.publishAssistant(chatId, {
      type: 'user_message',
      data: { messageId: id, content, role: 'user', timestamp },
    });
    return { id, chatId, userId, content };
  }
}
