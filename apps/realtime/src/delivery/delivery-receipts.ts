import { Hub, chatTopic } from '#realtime';
import { MAX_RECEIPT_MEMBERS, type MessageDto } from '#contracts';
import { ReadCursors } from '#chat';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';

/**
 * How long deliveries are collected, ms: senders in small chats see individual receipts, in large chats only counts.
 */
const ROUND_MS = { small: 200, large: 1000 };

interface SentMessage {
  seq: number;
  senderId: string;
  at: number;
}

interface Sent {
  /** The newest message, and the newest by another sender: users do not receive their own messages. */
  newest: SentMessage;
  newestByAnother?: SentMessage;
}

/**
 * Marks messages as delivered for everybody whose device received them live. It observes all deliveries on each node
 * for its own connections. It reads the members of a chat once per round, not per message.
 */
@Injectable()
export class DeliveryReceipts implements OnModuleDestroy {
  private readonly sent = { small: new Map<string, Sent>(), large: new Map<string, Sent>() };
  private readonly timers: Partial<Record<'small' | 'large', NodeJS.Timeout>> = {};

  constructor(
    private readonly hub: Hub,
    private readonly cursors: ReadCursors,
  ) {
    hub.onDelivered(({ event: { name, payload } }) => {
      if (name === 'chat:message:new') this.recordSent(payload as MessageDto);
    });
  }

  /** Marks all deliveries so far, before the sockets are closed. */
  flush(): void {
    for (const size of ['small', 'large'] as const) {
      clearTimeout(this.timers[size]);
      this.endRound(size);
    }
  }

  onModuleDestroy(): void {
    for (const timer of Object.values(this.timers)) clearTimeout(timer);
  }

  private recordSent({ chat_id: chatId, sender_id: senderId, seq }: MessageDto): void {
    const size = this.hub.audience(chatTopic(chatId)) > MAX_RECEIPT_MEMBERS ? 'large' : 'small';
    const sent = this.sent[size].get(chatId);
    const message = { seq, senderId, at: performance.now() };
    if (!sent) this.sent[size].set(chatId, { newest: message });
    else keepNewest(sent, message);
    this.timers[size] ??= setTimeout(() => this.endRound(size), ROUND_MS[size]);
  }

  private endRound(size: 'small' | 'large'): void {
    this.timers[size] = undefined;
    for (const [chatId, sent] of this.sent[size]) this.markDelivered(chatId, sent);
    this.sent[size].clear();
  }

  private markDelivered(chatId: string, { newest, newestByAnother: other }: Sent): void {
    for (const { userId, activeSince } of this.hub.connectionsOf(chatTopic(chatId))) {
      const last = userId === newest.senderId ? other : newest;
      // A device that opened later did not receive it.
      if (last && activeSince! <= last.at) this.cursors.record(chatId, userId, last.seq);
    }
  }
}

function keepNewest(sent: Sent, message: SentMessage): void {
  const { newest, newestByAnother: other } = sent;
  if (message.senderId === newest.senderId) {
    if (message.seq > newest.seq) sent.newest = message;
  } else if (message.seq > newest.seq) [sent.newest, sent.newestByAnother] = [message, newest];
  else if (message.seq > (other?.seq ?? 0)) sent.newestByAnother = message;
}
