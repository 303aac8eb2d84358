import { noSuchUser } from '#identity';
import { AppError, type MessageDto, type SendMessageAck } from '#contracts';
import {
  WORK,
  Batcher,
  Counts,
  KeyedLimiter,
  Metrics,
  SendPool,
  PrismaService,
  isDatabaseUnavailable,
  isUniqueViolation,
} from '#platform';
import { EventPublisher, chatTopic } from '#realtime';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { appendMessages, type NewMessage, type Outcome } from './append-messages.js';
import { toMessage, type ShownRow } from './message-wire.js';
import { ChatUpdatePublisher } from '../conversations/chat-update-publisher.js';
import { acceptsNoMessage } from '../membership/consent.js';
import { UncertainSends, type FoundMessage } from './uncertain-sends.js';
import { WriteMutex } from './write-mutex.js';
import { blockedError, notFound, notMember } from '../membership/membership.js';

/** The limit of metadata: measuring it would cost as much as encoding it. */
const METADATA_SIZE = 8 * 1024;

/** The acknowledgement of a send, and the message unless it repeats an earlier one. */
export interface Sent {
  ack: SendMessageAck;
  message?: MessageDto;
}

/** The result of a send, or of an atomic group. */
type Stored = Sent | MessageDto[] | null;
/** A promise while a direct chat is shown to the other member. */
type Result = Stored | Promise<Stored>;
type Item = NewMessage | NewMessage[];
const isGroup = (item: Item) => Array.isArray(item);
const sizeOf = (item: Item): number => {
  if (Array.isArray(item)) return item.reduce((size, message) => size + sizeOf(message), 0);
  for (const _ in item.metadata) return item.content.length + METADATA_SIZE;
  return item.content.length;
};
const chatOf = (item: Item) => (Array.isArray(item) ? item[0]! : item).chatId;

/**
 * Stores messages: the hot path. Sends that arrive during a round trip share the next one. Each message is committed
 * before it is acknowledged or published, and published in the order of its number.
 */
@Injectable()
export class MessageWriter implements OnModuleDestroy {
  private readonly batcher = new Batcher<Item, Stored>(
    (batch) =>
      this.mutex.write<Item, Stored>(batch, chatOf, async (items) =>
        isGroup(items[0]!) ? this.flushAtomically(items[0]) : this.flush(items as NewMessage[]),
      ),
    {
      maxBatch: 256,
      // All of a batch is published to the members before other work runs.
      maxBatchSize: WORK.sendsTogether.most,
      maxQueued: WORK.sends.most.sends,
      maxSize: WORK.sends.most.characters,
      sizeOf,
      onRefused: () => this.metrics.refuse(WORK.sends),
      alone: isGroup,
    },
  );
  private readonly large: KeyedLimiter;
  /** The number of sends of a chat in that queue. */
  private readonly queuedByChat = new Counts();
  /** Direct chats whose first message waits until the chat has been shown to the other member. */
  private readonly introductions = new Map<string, Promise<void>>();
  private readonly uncertain: UncertainSends;

  constructor(
    private readonly pool: SendPool,
    prisma: PrismaService,
    private readonly publisher: EventPublisher,
    private readonly mutex: WriteMutex,
    private readonly updates: ChatUpdatePublisher,
    private readonly metrics: Metrics,
  ) {
    this.uncertain = new UncertainSends(prisma, (found) => this.publishFound(found));
    this.large = new KeyedLimiter(WORK.largeSends.most, () => metrics.refuse(WORK.largeSends));
  }

  /** @throws AppError CHAT_NOT_FOUND, FORBIDDEN, INVALID_DATA (names `reply_to`), UNAVAILABLE */
  append(message: NewMessage): Promise<Sent> {
    return this.queueIfLarge(message.chatId, 1, () => this.batcher.add(message) as Promise<Sent>);
  }

  /**
   * Stores messages of one sender in one chat, all or none, with consecutive numbers, and after earlier calls of
   * `append`.
   * @returns null when one of them repeats an earlier client_id; then nothing is stored
   * @throws AppError CHAT_NOT_FOUND, FORBIDDEN, UNAVAILABLE
   */
  appendAtomically(messages: NewMessage[]): Promise<MessageDto[] | null> {
    const { chatId } = messages[0]!;
    return this.queueIfLarge(
      chatId,
      messages.length,
      () => this.batcher.add(messages) as Promise<MessageDto[] | null>,
    );
  }

  /** Sends with thousands of receiving devices run sequentially, and let sends of other chats pass. */
  private queueIfLarge<T>(chatId: string, messages: number, send: () => Promise<T>): Promise<T> {
    const devices = this.publisher.audience(chatTopic(chatId));
    // Earlier sends of the chat stay before this one.
    if (devices <= WORK.audience.most.free && this.queuedByChat.of(chatId) === 0) return send();
    this.queuedByChat.add(chatId, 1);
    return this.large.run('', send, devices * messages).finally(() => this.queuedByChat.add(chatId, -1));
  }

  async onModuleDestroy(): Promise<void> {
    await this.batcher.drain();
    await this.mutex.idle();
    await Promise.all(this.introductions.values());
    this.uncertain.stop();
  }

  private async flush(batch: NewMessage[]): Promise<(Result | Error)[]> {
    const first = new Map<string, number>();
    const twinOf = batch.map(({ chatId, senderId, clientId }, i) => {
      if (clientId === undefined) return i;
      const key = `${chatId}:${senderId}:${clientId}`;
      const twin = first.get(key) ?? i;
      first.set(key, twin);
      return twin;
    });
    const once = batch.filter((_, i) => twinOf[i] === i);
    const outcomes = await this.mutex.runExclusive(() => this.store(once));
    this.introduce(once.filter((_, i) => outcomes[i]!.isFirst).map(({ chatId }) => chatId));
    const stored = outcomes[Symbol.iterator]();
    const outcomeOf: Outcome[] = [];
    const timeOf = memoizedTimestamps();
    return batch.map((message, i) => {
      const twin = twinOf[i]!;
      const outcome = (outcomeOf[i] = twin === i ? (stored.next().value as Outcome) : outcomeOf[twin]!);
      if (outcome.refused) return refusals[outcome.refused]();
      const { seq, at, earlierId } = outcome;
      const createdAt = timeOf(at);
      const ack: SendMessageAck = {
        status: 'sent',
        message_id: earlierId ?? batch[twin]!.id,
        created_at: createdAt,
        seq,
        ...(message.clientId !== undefined && { client_id: message.clientId }),
      };
      return this.inOrder(message.chatId, () => {
        if (twin !== i || earlierId !== null) return { ack };
        const shown = toSentMessage(message, outcome, createdAt);
        this.emit(shown, message.clientId);
        return { ack, message: shown };
      });
    });
  }

  private async flushAtomically(group: NewMessage[]): Promise<Result[]> {
    const outcomes = await this.mutex.runExclusive(() => this.store(group, 'together'));
    const refused = outcomes.find((outcome) => outcome.refused)?.refused;
    if (refused) throw refusals[refused]();
    if (outcomes.some(({ earlierId }) => earlierId !== null)) return [null];
    const { chatId } = group[0]!;
    this.introduce(outcomes.some(({ isFirst }) => isFirst) ? [chatId] : []);
    const timeOf = memoizedTimestamps();
    const emitAll = () =>
      group.map((message, i) => {
        const shown = toSentMessage(message, outcomes[i]!, timeOf(outcomes[i]!.at));
        this.emit(shown, message.clientId);
        return shown;
      });
    return [this.inOrder(chatId, emitAll)];
  }

  private introduce(chatIds: string[]): void {
    if (chatIds.length === 0) return;
    const introduced = this.updates.introduce(chatIds);
    for (const id of chatIds) this.introductions.set(id, introduced);
    void introduced.then(() => chatIds.forEach((id) => this.introductions.delete(id)));
  }

  /** At once, or after the chat was shown: messages of a chat are published in order, and other chats do not wait. */
  private inOrder<T>(chatId: string, emit: () => T): T | Promise<T> {
    return this.introductions.get(chatId)?.then(emit) ?? emit();
  }

  private async store(batch: NewMessage[], as?: 'together', attempt = 1): Promise<Outcome[]> {
    if (!this.uncertain.areNone) await this.uncertain.resolve();
    try {
      return await appendMessages(this.pool, batch, as ?? (attempt === 1 ? 'newOnes' : 'perhapsRepeated'));
    } catch (error) {
      // One of these client_ids is stored: the next attempt finds it, or a later one if another node is storing it now.
      if (isUniqueViolation(error) && attempt < 5) return this.store(batch, as, attempt + 1);
      if (isDatabaseUnavailable(error)) this.uncertain.add(batch.map(({ id }) => id));
      throw error;
    }
  }

  /** Only the sender's own devices receive the client_id. */
  private emit(message: MessageDto, clientId: string | null | undefined): void {
    const own = clientId == null ? undefined : { userId: message.sender_id, fields: { client_id: clientId } };
    this.publisher.publish(chatTopic(message.chat_id), 'chat:message:new', message, { own });
  }

  private publishFound(found: FoundMessage[]): void {
    this.introduce(found.filter(({ seq }) => seq === 1).map(({ chat_id }) => chat_id));
    for (const row of found)
      void this.inOrder(row.chat_id, () => this.emit(toMessage(row, 'sent'), row.client_id));
  }
}

const refusals = {
  chat: notFound,
  sender: notMember,
  gone: noSuchUser,
  blocked: blockedError,
  consent: acceptsNoMessage,
  reply: () => AppError.invalid('reply_to', 'no such message in this chat'),
};

const toSentMessage = (message: NewMessage, outcome: Outcome, createdAt: string): MessageDto => {
  const row: ShownRow = {
    id: message.id,
    chat_id: message.chatId,
    sender_id: message.senderId,
    sender_name: outcome.senderName,
    sender_avatar: outcome.senderAvatar,
    type: message.type,
    content: message.content,
    metadata: message.metadata,
    created_at: createdAt,
    seq: outcome.seq,
    change_seq: 0,
    reply_to: message.replyTo ?? null,
    forwarded_from: message.forwardedFrom ?? null,
    edited_at: null,
    pinned_at: null,
    deleted_at: null,
    reactions: [],
    hidden: null,
  };
  return toMessage(row, 'sent');
};

/** Times as text. Most of a batch share a millisecond, and formatting one costs as much as encoding an answer. */
function memoizedTimestamps(): (at: number) => string {
  const times = new Map<number, string>();
  return (at) => {
    let time = times.get(at);
    if (time === undefined) times.set(at, (time = new Date(at).toISOString()));
    return time;
  };
}
