import { MAX_RECEIPT_MEMBERS, chatRoom, type MessageDto } from '#contracts';
import { Marks } from '#chat';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Namespace, Server } from 'socket.io';
import type { DeviceSocket } from './device-socket.js';

/** Long enough to gather a burst, short enough to look immediate. */
const SMALL_CHAT_MS = 20;
const LARGE_CHAT_MS = 1000;

interface Sent {
  timer: NodeJS.Timeout;
  /** The newest message, and the newest by anybody else: nobody receives their own. */
  newest: { seq: number; senderId: string };
  other?: { seq: number; senderId: string };
}

/**
 * Marks messages as delivered to everybody whose device was sent them live (contract, "Chat events"). It listens
 * where every broadcast passes, on each node for its own sockets, and looks at a chat's members once per burst,
 * not once per message.
 */
@Injectable()
export class DeliveryTracker implements OnModuleDestroy {
  private readonly sent = new Map<string, Sent>();
  private namespace?: Namespace;

  constructor(private readonly marks: Marks) {}

  watch(server: Server): void {
    this.namespace = server.of('/');
    const { adapter } = this.namespace;
    const broadcast = adapter.broadcast.bind(adapter);
    adapter.broadcast = (packet: { data?: [event: string, payload: MessageDto] }, options) => {
      broadcast(packet, options);
      if (packet.data?.[0] === 'chat:message:new') this.noteSent(packet.data[1]);
    };
  }

  onModuleDestroy(): void {
    for (const { timer } of this.sent.values()) clearTimeout(timer);
  }

  private noteSent({ chat_id: chatId, sender_id: senderId, seq }: MessageDto): void {
    const sent = this.sent.get(chatId);
    if (!sent) {
      const devices = this.namespace!.adapter.rooms.get(chatRoom(chatId))?.size ?? 0;
      const delay = devices > MAX_RECEIPT_MEMBERS ? LARGE_CHAT_MS : SMALL_CHAT_MS;
      const timer = setTimeout(() => this.markDelivered(chatId), delay);
      this.sent.set(chatId, { timer, newest: { seq, senderId } });
    } else if (senderId === sent.newest.senderId) {
      sent.newest.seq = Math.max(sent.newest.seq, seq);
    } else if (seq > sent.newest.seq) {
      sent.other = sent.newest;
      sent.newest = { seq, senderId };
    } else if (seq > (sent.other?.seq ?? 0)) {
      sent.other = { seq, senderId };
    }
  }

  private markDelivered(chatId: string): void {
    const { newest, other } = this.sent.get(chatId)!;
    this.sent.delete(chatId);
    const { rooms } = this.namespace!.adapter;
    const users = new Set<string>();
    for (const id of rooms.get(chatRoom(chatId)) ?? []) {
      const socket = this.namespace!.sockets.get(id) as DeviceSocket | undefined;
      if (socket?.data.user) users.add(socket.data.user.userId);
    }
    for (const userId of users) {
      const seq = userId === newest.senderId ? other?.seq : newest.seq;
      if (seq === undefined) continue;
      this.marks.note(chatId, userId, seq);
    }
  }
}
