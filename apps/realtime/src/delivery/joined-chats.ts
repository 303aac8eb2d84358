import { AppError } from '#contracts';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { DeviceConnection } from '../connections/device-connection.js';
import { ChangedChats } from './changed-chats.js';

/** Limit of joined chats per device. */
const MAX_JOINED = 100;
/** Devices with `auth: { scope: "joined" }` receive these events only for joined chats. */
const OF_JOINED = new Set<string>(['chat:message:new', 'chat:typing']);
/** How long messages of a chat are collected before the chat is shown, ms. */
const ROUND_MS = 500;

/**
 * Tracks the joined chats of devices with `auth: { scope: "joined" }`. A chat that they have not joined counts as
 * changed for them, once per round with messages.
 */
@Injectable()
export class JoinedChats implements OnModuleDestroy {
  /** Devices that did not receive a message of this round, by chat. */
  private readonly skipped = new Map<string, Set<DeviceConnection>>();
  private timer?: NodeJS.Timeout;

  constructor(private readonly changed: ChangedChats) {}

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
    const devices = this.skipped.get(chatId) ?? new Set<DeviceConnection>();
    this.skipped.set(chatId, devices.add(connection));
    this.timer ??= setTimeout(() => this.endRound(), ROUND_MS);
  }

  private endRound(): void {
    this.timer = undefined;
    for (const [chatId, devices] of this.skipped) this.changed.show(chatId, devices);
    this.skipped.clear();
  }
}
