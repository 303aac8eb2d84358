import { AppError } from '#contracts';
import { ChatViews } from '#chat';
import { WORK, logFailure } from '#platform';
import { Hub, chatTopic } from '#realtime';
import { byUserId } from './by-user-id.js';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { DeviceConnection } from '../connections/device-connection.js';

/** Limit of joined chats per device. */
const MAX_JOINED = 100;
/** Devices with `auth: { scope: "joined" }` receive these events only for joined chats. */
const OF_JOINED = new Set<string>(['chat:message:new', 'chat:typing']);
/** How long messages of a chat are collected before the chat is shown, ms. */
const ROUND_MS = 500;
/** Chats that are read at once, so that a slow one does not delay all others. */
const { unjoined: AT_ONCE } = WORK.chatViews.most;

/**
 * Tracks the joined chats of devices with `auth: { scope: "joined" }`. For other chats, they receive the whole chat
 * once per round with messages, in one frame for all with the same view.
 */
@Injectable()
export class JoinedChats implements OnModuleDestroy {
  /** Devices that did not receive a message, by chat. */
  private readonly passedOver = new Map<string, Set<DeviceConnection>>();
  private timer?: NodeJS.Timeout;

  constructor(
    private readonly hub: Hub,
    private readonly views: ChatViews,
  ) {}

  onModuleDestroy(): void {
    clearTimeout(this.timer);
  }

  /** The device receives these events only for chats that it joins. */
  limit(connection: DeviceConnection): void {
    const joined = new Set<string>();
    connection.joined = joined;
    connection.accepts = ({ name, payload }) => {
      if (!OF_JOINED.has(name)) return true;
      const { chat_id } = payload as { chat_id: string };
      if (joined.has(chat_id)) return true;
      if (name === 'chat:message:new') this.recordSkipped(connection, chat_id);
      return false;
    };
  }

  /**
   * The device receives events of the chat before `open` reads it, so that no message is missed.
   * @throws AppError CONFLICT (when too many chats are joined), or any error of `open`
   */
  async join<T>({ joined }: DeviceConnection, chatId: string, open: () => Promise<T>): Promise<T> {
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

  leave({ joined }: DeviceConnection, chatId: string): void {
    joined?.delete(chatId);
  }

  private recordSkipped(connection: DeviceConnection, chatId: string): void {
    const devices = this.passedOver.get(chatId);
    if (devices) devices.add(connection);
    else this.passedOver.set(chatId, new Set([connection]));
    this.timer ??= setTimeout(() => void this.endRound(), ROUND_MS);
  }

  /** A few chats at once. When that takes long, the next round collects more messages. */
  private async endRound(): Promise<void> {
    const chats = [...this.passedOver].values();
    const next = async () => {
      for (const [chatId, devices] of chats) {
        this.passedOver.delete(chatId);
        await this.showChat(chatId, [...devices]).catch(
          logFailure('showing a chat to unjoined devices failed', { chat_id: chatId }),
        );
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
    this.timer = this.passedOver.size > 0 ? setTimeout(() => void this.endRound(), ROUND_MS) : undefined;
  }

  private async showChat(chatId: string, devices: DeviceConnection[]): Promise<void> {
    const byUser = byUserId(devices);
    for await (const { chat, userIds } of this.views.ofMembers(chatId, [...byUser.keys()])) {
      const connections = userIds.flatMap((id) => byUser.get(id) ?? []);
      this.hub.deliverTo(connections, chatTopic(chatId), { name: 'chat:updated', payload: chat });
    }
  }
}
