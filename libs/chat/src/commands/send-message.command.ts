import { AppError, assertMessageContent, type SendMessageAck, type SendMessagePayload } from '#contracts';
import { FindUser } from '#identity';
import { FindOwnService } from '#marketplace';
import { RateLimits, newId } from '#platform';
import { FindPost } from '#social';
import { Command, CommandHandler, QueryBus, type ICommandHandler } from '@nestjs/cqrs';
import { MessageLog } from '../message-log.js';

/**
 * Sends one message. The answer means committed; sending again with the same client_id gives the first answer.
 * @throws AppError RATE_LIMIT, INVALID_DATA, CHAT_NOT_FOUND, FORBIDDEN, UNAVAILABLE (then nothing may be assumed: send again with the same client_id)
 */
export class SendMessage extends Command<SendMessageAck> {
  constructor(
    readonly senderId: string,
    readonly payload: SendMessagePayload,
  ) {
    super();
  }
}

const POINTS_ELSEWHERE = new Set<string>(['profile_share', 'post_share', 'booking_proposal']);

/** A message that points to what its sender does not find is itself wrong. */
const notFoundIs =
  (field: string, message: string) =>
  (error: unknown): never => {
    throw error instanceof AppError && error.code === 'NOT_FOUND' ? AppError.invalid(field, message) : error;
  };

@CommandHandler(SendMessage)
export class SendMessageHandler implements ICommandHandler<SendMessage> {
  private readonly lookUps = new Map<string, Promise<Record<string, unknown>>>();

  constructor(
    private readonly log: MessageLog,
    private readonly limits: RateLimits,
    private readonly queries: QueryBus,
  ) {}

  async execute({ senderId, payload }: SendMessage): Promise<SendMessageAck> {
    await this.limits.take('message', senderId);
    const { chat_id, type, content, reply_to } = payload;
    // Apps send null for what they do not have.
    const metadata = payload.metadata ?? {};
    const clientId = payload.client_id ?? undefined;
    assertMessageContent(type, content, metadata);
    const facts = this.mustWait(senderId, type) ? await this.inTurn(senderId, payload) : {};
    return this.log.append({
      id: newId(),
      chatId: chat_id,
      senderId,
      type,
      content,
      metadata: { ...metadata, ...facts },
      clientId,
      replyTo: reply_to ?? undefined,
    });
  }

  private mustWait(senderId: string, type: string): boolean {
    return POINTS_ELSEWHERE.has(type) || this.lookUps.has(senderId);
  }

  /** Looking something up takes time: what the same sender sends meanwhile waits, so that their order holds. */
  private async inTurn(senderId: string, payload: SendMessagePayload): Promise<Record<string, unknown>> {
    const before = this.lookUps.get(senderId);
    const turn = (before ?? Promise.resolve({}))
      .catch(() => ({}))
      .then(() => this.factsOf(senderId, payload));
    this.lookUps.set(senderId, turn);
    try {
      return await turn;
    } finally {
      if (this.lookUps.get(senderId) === turn) this.lookUps.delete(senderId);
    }
  }

  /** What the server knows better than the sender about the thing a message points to, if they may see it. */
  private async factsOf(
    senderId: string,
    { type, content, metadata }: SendMessagePayload,
  ): Promise<Record<string, unknown>> {
    switch (type) {
      case 'profile_share': {
        const user = await this.queries
          .execute(new FindUser(content, senderId))
          .catch(notFoundIs('content', 'no such user'));
        return { name: user.name, avatar: user.avatar, is_master: user.is_master };
      }
      case 'post_share': {
        const post = await this.queries
          .execute(new FindPost(senderId, content))
          .catch(notFoundIs('content', 'no such post'));
        return { author_name: post.author.name, media_url: post.media_urls[0] ?? null };
      }
      case 'booking_proposal': {
        const service = await this.queries
          .execute(new FindOwnService(senderId, String(metadata?.service_id)))
          .catch(notFoundIs('metadata.service_id', 'not a service of yours'));
        return {
          service_name: service.name,
          price: service.price,
          duration: service.duration,
          // What accepting adds: nobody else may.
          booking_id: undefined,
          accepted_by: undefined,
          starts_at: undefined,
        };
      }
      default:
        return {};
    }
  }
}
