import { AppError, assertMessageContent, type SendMessageAck, type SendMessagePayload } from '#contracts';
import { PrismaService, RateLimits, newId } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
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

@CommandHandler(SendMessage)
export class SendMessageHandler implements ICommandHandler<SendMessage> {
  private readonly lookUps = new Map<string, Promise<Record<string, unknown>>>();

  constructor(
    private readonly log: MessageLog,
    private readonly limits: RateLimits,
    private readonly prisma: PrismaService,
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
    const turn = (before ?? Promise.resolve({})).catch(() => ({})).then(() => this.factsOf(payload));
    this.lookUps.set(senderId, turn);
    try {
      return await turn;
    } finally {
      if (this.lookUps.get(senderId) === turn) this.lookUps.delete(senderId);
    }
  }

  /** What the server knows better than the sender about the thing a message points to. */
  private async factsOf({ type, content }: SendMessagePayload): Promise<Record<string, unknown>> {
    switch (type) {
      case 'profile_share': {
        const user = await this.prisma.user.findUnique({
          where: { id: content },
          select: { name: true, avatar: true, isMaster: true },
        });
        if (!user) throw AppError.invalid('content', 'no such user');
        return { name: user.name, avatar: user.avatar, is_master: user.isMaster };
      }
      case 'post_share':
        throw AppError.invalid('content', 'no such post');
      case 'booking_proposal':
        throw AppError.invalid('metadata.service_id', 'not a service of yours');
      default:
        return {};
    }
  }
}
