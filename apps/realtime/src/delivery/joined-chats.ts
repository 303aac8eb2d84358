import { AppError, type ChatDto } from '#contracts';
import { ChatViews } from '#chat';
import { logger } from '#platform';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Namespace } from 'socket.io';
import { PacketType } from 'socket.io-parser';
import type { DeviceAdapter } from './device-adapter.js';
import { userOf, type DeviceSocket } from '../connections/device-socket.js';
import type { BufferingAdapter } from './buffering-adapter.js';

/** Limit of joined chats per device. */
const MAX_JOINED = 100;
/** How long messages of a chat are collected before the chat is shown, ms. */
const ROUND_MS = 500;

/**
 * Tracks the joined chats of devices with `auth: { scope: "joined" }`. For other chats, they receive the whole chat
 * once per round with messages, in one frame for all with the same view.
 */
@Injectable()
export class JoinedChats implements OnModuleDestroy {
  /** Devices that did not receive a message, by chat. */
  private readonly passedOver = new Map<string, Set<DeviceSocket>>();
  private timer?: NodeJS.Timeout;
  private show: (chat: ChatDto, socketIds: string[]) => void = () => undefined;

  constructor(private readonly views: ChatViews) {}

  /** Broadcasts in the first namespace stand for all of these namespaces. */
  watch(namespaces: Namespace[]): void {
    for (const { adapter } of namespaces)
      (adapter as BufferingAdapter).onSkipped = (socket, chatId) => this.recordSkipped(socket, chatId);
    const first = namespaces[0]!.adapter as DeviceAdapter;
    this.show = (chat, ids) =>
      first.broadcast({ type: PacketType.EVENT, data: ['chat:updated', chat] }, { rooms: new Set(ids) });
  }

  onModuleDestroy(): void {
    clearTimeout(this.timer);
  }

  /**
   * The device receives events of the chat before `open` reads it, so that no message is missed.
   * @throws AppError CONFLICT (when too many chats are joined), or any error of `open`
   */
  async join<T>({ data: { joined } }: DeviceSocket, chatId: string, open: () => Promise<T>): Promise<T> {
    if (joined && !joined.has(chatId) && joined.size >= MAX_JOINED)
      throw new AppError('CONFLICT', `Limit of ${MAX_JOINED} joined chats reached`);
    joined?.add(chatId);
    try {
      return await open();
    } catch (error) {
      joined?.delete(chatId);
      throw error;
    }
  }

  leave({ data: { joined } }: DeviceSocket, chatId: string): void {
    joined?.delete(chatId);
  }

  private recordSkipped(socket: DeviceSocket, chatId: string): void {
    const devices = this.passedOver.get(chatId);
    if (devices) devices.add(socket);
    else this.passedOver.set(chatId, new Set([socket]));
    this.timer ??= setTimeout(() => void this.endRound(), ROUND_MS);
  }

  /** One chat after the other: when that takes long, the next round collects more messages. */
  private async endRound(): Promise<void> {
    for (const [chatId, devices] of [...this.passedOver]) {
      this.passedOver.delete(chatId);
      await this.showChat(chatId, [...devices]).catch((err: Error) =>
        logger.warn({ err: err.message, chat_id: chatId }, 'showing a chat to unjoined devices failed'),
      );
    }
    this.timer = this.passedOver.size > 0 ? setTimeout(() => void this.endRound(), ROUND_MS) : undefined;
  }

  private async showChat(chatId: string, devices: DeviceSocket[]): Promise<void> {
    const byUser = new Map<string, string[]>();
    for (const device of devices) {
      const { userId } = userOf(device);
      byUser.set(userId, [...(byUser.get(userId) ?? []), device.id]);
    }
    for await (const { chat, userIds } of this.views.ofMembers(chatId, [...byUser.keys()])) {
      const ids = userIds.flatMap((id) => byUser.get(id) ?? []);
      // Without rooms, it would be sent to all devices.
      if (ids.length > 0) this.show(chat, ids);
    }
  }
}
