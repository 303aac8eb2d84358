import { AppError, type ChatDto } from '#contracts';
import { ChatViews } from '#chat';
import { logger } from '#platform';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Namespace } from 'socket.io';
import { PacketType } from 'socket.io-parser';
import type { DeviceAdapter } from './device-adapter.js';
import { userOf, type DeviceSocket } from '../connections/device-socket.js';
import type { BufferingAdapter } from './buffering-adapter.js';

/** The most chats that one device has joined at once. */
const MAX_JOINED = 100;
/** How long messages of a chat gather before the chat is shown, ms. */
const ROUND_MS = 500;

/**
 * Devices of `auth: { scope: "joined" }`: which chats they have joined. Of the others they are shown the whole chat, once for
 * all messages of a round, in one frame for all who see it alike.
 */
@Injectable()
export class JoinedChats implements OnModuleDestroy {
  /** Devices that were not shown a message, by chat. */
  private readonly passedOver = new Map<string, Set<DeviceSocket>>();
  private timer?: NodeJS.Timeout;
  private show: (chat: ChatDto, socketIds: string[]) => void = () => undefined;

  constructor(private readonly views: ChatViews) {}

  /** Of these namespaces, the first one's broadcasts reach them all. */
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
   * The device hears the chat from before `open` looks at it, so that no message falls between.
   * @throws AppError CONFLICT (too many are joined), or what `open` throws
   */
  async join<T>({ data: { joined } }: DeviceSocket, chatId: string, open: () => Promise<T>): Promise<T> {
    if (joined && !joined.has(chatId) && joined.size >= MAX_JOINED)
      throw new AppError('CONFLICT', `A device joins ${MAX_JOINED} chats at most: leave another one first`);
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

  /** One chat after the other: when that takes long, the next round has gathered more. */
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
    for (const { chat, userIds } of await this.views.ofMembers(chatId, [...byUser.keys()])) {
      const ids = userIds.flatMap((id) => byUser.get(id) ?? []);
      // Named no room, it would go to everybody there is.
      if (ids.length > 0) this.show(chat, ids);
    }
  }
}
