import { AppError, MAX_FORWARDED, isVisible, type ForwardPayload, type MessageDto } from '#contracts';
import { PrismaService, RateLimits, newId } from '#platform';
import { EventPublisher, chatTopic } from '#realtime';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { NewMessage } from '../append-messages.js';
import { Memberships, notMember, noSuchMessage } from '../../membership/membership.js';
import { MessageWriter } from '../message-writer.js';
import { pointsOf, pointsOfAudience } from '../message-points.js';
import { MessageReader } from '../message-reader.js';
import { messageColumns, toMessage, type MessageRow } from '../message-wire.js';
import { uuid } from '../../receipts/shown-cursors.js';
import { SenderQueue } from '../sender-queue.js';

/**
 * Sends copies of messages to another chat, or the same, in the given order and after the optional comment: all or
 * nothing. Repeating it with the same client_id returns the first result.
 * @returns the forwarded messages, without the comment
 * @throws AppError RATE_LIMIT (each message counts), INVALID_DATA, CHAT_NOT_FOUND (for the target), NOT_FOUND (for a
 *   missing or deleted message), FORBIDDEN (when the user is not in the target or in a message's chat, or a block
 *   exists), UNAVAILABLE
 */
export class ForwardMessages extends Command<MessageDto[]> {
  constructor(
    readonly userId: string,
    readonly payload: ForwardPayload,
  ) {
    super();
  }
}

type Source = MessageRow & { is_member: boolean };

/** The positions in the forward; the comment has 0, whether or not it exists. */
const PLACES = Array.from({ length: MAX_FORWARDED }, (_, i) => i + 1);
/** Fields that only the accepted proposal itself may have. */
const ACCEPTED = ['booking_id', 'accepted_by', 'starts_at'];

@CommandHandler(ForwardMessages)
export class ForwardMessagesHandler implements ICommandHandler<ForwardMessages> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly limits: RateLimits,
    private readonly memberships: Memberships,
    private readonly senders: SenderQueue,
    private readonly log: MessageWriter,
    private readonly reader: MessageReader,
    private readonly publisher: EventPublisher,
  ) {}

  async execute({ userId, payload }: ForwardMessages): Promise<MessageDto[]> {
    const { message_ids, to_chat_id, comment, client_id } = payload;
    const count = message_ids.length + (comment == null ? 0 : 1);
    const each = 1 + pointsOfAudience(this.publisher.audience(chatTopic(to_chat_id)));
    await this.limits.take('message', userId, count * each);
    if (comment != null && !isVisible(comment)) throw AppError.invalid('comment', 'must not be empty');
    const { earlier, sources } = await this.senders.run(userId, () => this.lookUp(userId, payload));
    if (earlier.length > 0) return earlier;
    const points = sources.reduce(
      (sum, { content, metadata }) => sum + pointsOf(content, metadata),
      pointsOf(comment ?? ''),
    );
    if (points > 0) await this.limits.take('message', userId, points);
    const messages = sources.map(forwarded);
    if (comment != null) messages.unshift({ type: 'text', content: comment, metadata: {} });
    const first = comment == null ? 1 : 0;
    const stored = await this.log.appendAtomically(
      messages.map((message, i) => ({
        ...message,
        id: newId(),
        chatId: to_chat_id,
        senderId: userId,
        ...(client_id != null && { clientId: `${client_id}/${first + i}` }),
      })),
    );
    if (stored) return comment == null ? stored : stored.slice(1);
    // Another device, or another attempt, was faster.
    const repeated = await this.earlier(userId, payload);
    if (repeated.length === 0) throw AppError.invalid('client_id', 'belongs to another message');
    return repeated;
  }

  private async lookUp(userId: string, payload: ForwardPayload) {
    await this.memberships.requireOpen(payload.to_chat_id, userId);
    const earlier = payload.client_id == null ? [] : await this.earlier(userId, payload);
    // The sources of an earlier forward need not exist any more.
    return { earlier, sources: earlier.length > 0 ? [] : await this.sources(userId, payload.message_ids) };
  }

  /** The result of an earlier forward with the same client_id. */
  private async earlier(userId: string, { to_chat_id, client_id }: ForwardPayload): Promise<MessageDto[]> {
    const rows = await this.prisma.$queryRaw<MessageRow[]>`
      SELECT ${messageColumns(uuid(userId))} FROM messages m JOIN users u ON u.id = m.sender_id
      WHERE m.chat_id = ${to_chat_id}::uuid AND m.sender_id = ${userId}::uuid
        AND m.client_id = ANY(${PLACES.map((place) => `${client_id}/${place}`)}::text[])
        AND m.forwarded_from IS NOT NULL ORDER BY m.seq`;
    return this.reader.present({ userId, chatId: to_chat_id }, rows);
  }

  /** In the order of the ids. @throws AppError NOT_FOUND, FORBIDDEN */
  private async sources(userId: string, messageIds: string[]): Promise<Source[]> {
    const rows = await this.prisma.$queryRaw<Source[]>`
      SELECT ${messageColumns(uuid(userId))}, p.user_id IS NOT NULL AS is_member
      FROM unnest(${messageIds}::uuid[]) WITH ORDINALITY AS i(id, ord)
      JOIN messages m ON m.id = i.id JOIN users u ON u.id = m.sender_id
      LEFT JOIN chat_members p ON p.chat_id = m.chat_id AND p.user_id = ${userId}::uuid AND p.left_at IS NULL
      ORDER BY i.ord`;
    if (!rows.every(({ is_member }) => is_member)) throw notMember();
    if (rows.length < messageIds.length || rows.some(({ deleted_at }) => deleted_at)) throw noSuchMessage();
    return rows;
  }
}

/** The same content and its original author, however often it was forwarded since, as the forwarding user sees it. */
function forwarded(source: Source): Pick<NewMessage, 'type' | 'content' | 'metadata' | 'forwardedFrom'> {
  const seen = toMessage(source, 'sent');
  const { type, content, id, sender_id, sender_name, created_at } = seen;
  const metadata = { ...seen.metadata };
  if (type === 'booking_proposal') for (const key of ACCEPTED) delete metadata[key];
  const original = { message_id: id, sender_id, sender_name, created_at };
  return { type, content, metadata, forwardedFrom: seen.forwarded_from ?? original };
}
