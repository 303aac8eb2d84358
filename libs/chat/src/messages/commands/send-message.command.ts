import { AppError, messageMetadata, type SendMessagePayload } from '#contracts';
import { GetUser } from '#identity';
import { GetOwnService } from '#marketplace';
import { RateLimits, newId } from '#platform';
import { EventPublisher, chatTopic } from '#realtime';
import { GetPost } from '#social';
import { Command, CommandHandler, QueryBus, type ICommandHandler } from '@nestjs/cqrs';
import { MessageWriter, type Sent } from '../message-writer.js';
import { pointsOf, pointsOfAudience } from '../message-points.js';
import { SenderQueue } from '../sender-queue.js';

/**
 * Sends one message. The answer means that it is committed. Sending again with the same client_id returns the first
 * answer.
 * @throws AppError RATE_LIMIT, INVALID_DATA, CHAT_NOT_FOUND, FORBIDDEN, UNAVAILABLE (the message may be stored: send
 *   again with the same client_id)
 */
export class SendMessage extends Command<Sent> {
  constructor(
    readonly senderId: string,
    readonly payload: SendMessagePayload,
  ) {
    super();
  }
}

const POINTS_ELSEWHERE = new Set<string>(['profile_share', 'post_share', 'booking_proposal']);

/** A message that refers to something its sender cannot see is invalid itself. */
const notFoundIs =
  (field: string, message: string) =>
  (error: unknown): never => {
    throw error instanceof AppError && error.code === 'NOT_FOUND' ? AppError.invalid(field, message) : error;
  };

@CommandHandler(SendMessage)
export class SendMessageHandler implements ICommandHandler<SendMessage> {
  constructor(
    private readonly writer: MessageWriter,
    private readonly limits: RateLimits,
    private readonly queries: QueryBus,
    private readonly senders: SenderQueue,
    private readonly publisher: EventPublisher,
  ) {}

  async execute({ senderId, payload }: SendMessage): Promise<Sent> {
    const { chat_id, type, content, reply_to } = payload;
    const points =
      pointsOf(content, payload.metadata) + pointsOfAudience(this.publisher.audience(chatTopic(chat_id)));
    await this.limits.take('message', senderId, 1 + points);
    // Apps send null for missing values.
    const metadata = messageMetadata(type, content, payload.metadata ?? {});
    const clientId = payload.client_id ?? undefined;
    const mustWait = POINTS_ELSEWHERE.has(type) || this.senders.has(senderId);
    const facts = mustWait ? await this.senders.run(senderId, () => this.factsOf(senderId, payload)) : {};
    return this.writer.append({
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

  /** The server's own data of the referenced object, if the sender may see it. */
  private async factsOf(
    senderId: string,
    { type, content, metadata }: SendMessagePayload,
  ): Promise<Record<string, unknown>> {
    switch (type) {
      case 'profile_share': {
        const user = await this.queries
          .execute(new GetUser(content, senderId))
          .catch(notFoundIs('content', 'no such user'));
        return { name: user.name, avatar: user.avatar, is_master: user.is_master };
      }
      case 'post_share': {
        const post = await this.queries
          .execute(new GetPost(senderId, content))
          .catch(notFoundIs('content', 'no such post'));
        // A repost itself has hardly any content.
        const { author, media_urls } = post.repost_of ?? post;
        return { author_id: author.id, author_name: author.name, media_url: media_urls[0] ?? null };
      }
      case 'booking_proposal': {
        const service = await this.queries
          .execute(new GetOwnService(senderId, String(metadata?.service_id)))
          .catch(notFoundIs('metadata.service_id', 'is not your service'));
        return {
          service_name: service.name,
          price: service.price,
          duration: service.duration,
          // Only accepting a proposal may set these.
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
