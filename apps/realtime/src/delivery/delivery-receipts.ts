import { chatRoom } from '#platform';
import { MAX_RECEIPT_MEMBERS, type MessageDto } from '#contracts';
import { ReadCursors } from '#chat';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Namespace } from 'socket.io';
import type { DeviceSocket } from '../connections/device-socket.js';

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
 * Marks messages as delivered for everybody whose device received them live. It observes all broadcasts on each node
 * for its own sockets. It reads the members of a chat once per round, not per message.
 */
@Injectable()
export class DeliveryReceipts implements OnModuleDestroy {
  private readonly sent = { small: new Map<string, Sent>(), large: new Map<string, Sent>() };
  private readonly timers: Partial<Record<'small' | 'large', NodeJS.Timeout>> = {};
  private namespaces: Namespace[] = [];

  constructor(private readonly cursors: ReadCursors) {}

  /** Broadcasts in the first namespace stand for all of these namespaces. */
  attach(namespaces: Namespace[]): void {
    this.namespaces = namespaces;
    const { adapter } = namespaces[0]!;
    const broadcast = adapter.broadcast.bind(adapter);
    adapter.broadcast = (packet: { data?: [event: string, payload: MessageDto] }, options) => {
      broadcast(packet, options);
      if (packet.data?.[0] === 'chat:message:new') this.recordSent(packet.data[1]);
    };
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
    let devices = 0;
    for (const { adapter } of this.namespaces) devices += adapter.rooms.get(chatRoom(chatId))?.size ?? 0;
    const size = devices > MAX_RECEIPT_MEMBERS ? 'large' : 'small';
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
    for (const { sockets, adapter } of this.namespaces)
      for (const id of adapter.rooms.get(chatRoom(chatId)) ?? []) {
        const { user, openedAt } = (sockets.get(id) as DeviceSocket | undefined)?.data ?? {};
        if (!user || openedAt === undefined) continue;
        const last = user.userId === newest.senderId ? other : newest;
        // A device that opened later did not receive it.
        if (last && openedAt <= last.at) this.cursors.record(chatId, user.userId, last.seq);
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
