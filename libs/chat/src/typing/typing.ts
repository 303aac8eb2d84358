import { RateLimits } from '#platform';
import { EventPublisher, chatTopic, blockedTopic, userTopic } from '#realtime';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Memberships } from '../membership/membership.js';
import { pointsOfAudience } from '../messages/message-points.js';

/** Typing ends by itself after this time. A client sends it once while its user types. */
const TYPING_MS = 30_000;

interface Typist {
  id: string;
  name: string;
  /** The device; its disconnection ends the typing. */
  device: string;
}

/** A device with the data of its socket. */
interface Device {
  readonly id: string;
  readonly connected: boolean;
}

/** Tracks typing users. Never stored, and never sent back to the typing user or across a block. */
@Injectable()
export class Typing implements OnModuleDestroy {
  /** The devices on which a user types, by chat and user, with the timer that ends it. */
  private readonly typing = new Map<string, Map<string, NodeJS.Timeout>>();
  private readonly chatsOf = new Map<string, Map<string, Typist>>();
  /** The latest start of each device and chat that waits for the database. A stop or a removal withdraws it. */
  private readonly starts = new Map<string, { chatId: string; userId: string }>();

  constructor(
    private readonly publisher: EventPublisher,
    private readonly memberships: Memberships,
    private readonly limits: RateLimits,
  ) {
    publisher.onSignal('typingEnds', ({ userIds, chatId }) => this.endOf(new Set(userIds), chatId));
  }

  /**
   * Handles a client's report, with the current name of its user. @throws AppError CHAT_NOT_FOUND, FORBIDDEN,
   * RATE_LIMIT
   */
  async report(chatId: string, userId: string, device: Device, isTyping: boolean): Promise<void> {
    if (isTyping) return this.start(chatId, userId, device);
    // Synchronously: a start that waits for the database must not outlive the stop.
    this.stop(chatId, device.id);
    await this.memberships.require(chatId, userId);
  }

  private async start(chatId: string, userId: string, device: Device): Promise<void> {
    const key = keyOf(device.id, chatId);
    const start = { chatId, userId };
    this.starts.set(key, start);
    try {
      const [{ name, isUnseen }] = await Promise.all([
        this.memberships.requireOpen(chatId, userId),
        this.limits.take('typing', userId, 1 + pointsOfAudience(this.publisher.audience(chatTopic(chatId)))),
      ]);
      const isCurrent = device.connected && this.starts.get(key) === start;
      if (isCurrent && !isUnseen) this.set(chatId, { id: userId, name, device: device.id }, true);
    } finally {
      if (this.starts.get(key) === start) this.starts.delete(key);
    }
  }

  /** A user who types on two devices stops when both have stopped. */
  set(chatId: string, typist: Typist, isTyping: boolean, notTo = [blockedTopic(typist.id)]): void {
    const key = `${chatId}:${typist.id}`;
    const devices = this.typing.get(key) ?? new Map<string, NodeJS.Timeout>();
    if (!isTyping && !devices.has(typist.device)) return;
    clearTimeout(devices.get(typist.device));
    if (isTyping) {
      const stop = () => this.set(chatId, typist, false);
      this.typing.set(key, devices.set(typist.device, setTimeout(stop, TYPING_MS)));
      const chats = this.chatsOf.get(typist.device) ?? new Map<string, Typist>();
      this.chatsOf.set(typist.device, chats.set(chatId, typist));
    } else {
      devices.delete(typist.device);
      this.forget(chatId, typist.device);
      if (devices.size > 0) return;
      this.typing.delete(key);
    }
    const event = { chat_id: chatId, user_id: typist.id, user_name: typist.name, is_typing: isTyping };
    this.publisher.publish(chatTopic(chatId), 'chat:typing', event, {
      except: [userTopic(typist.id), ...notTo],
    });
  }

  /**
   * Ends the typing of users who have left a chat. Otherwise a block is between the users. They receive the end of each
   * other's typing, but nothing later.
   */
  private endOf(userIds: Set<string>, left?: string): void {
    // Its membership may have been read before the removal.
    for (const [key, { chatId, userId }] of this.starts)
      if (chatId === left && userIds.has(userId)) this.starts.delete(key);
    for (const chats of [...this.chatsOf.values()])
      for (const [chatId, typist] of [...chats])
        if (userIds.has(typist.id) && (left ?? chatId) === chatId)
          this.set(chatId, typist, false, left ? undefined : []);
  }

  /** Ends the typing of a device in a chat. */
  stop(chatId: string, device: string): void {
    this.starts.delete(keyOf(device, chatId));
    const typist = this.chatsOf.get(device)?.get(chatId);
    if (typist) this.set(chatId, typist, false);
  }

  /** Ends all typing of a disconnected device. */
  stopAll(device: string): void {
    for (const [chatId, typist] of this.chatsOf.get(device) ?? []) this.set(chatId, typist, false);
  }

  onModuleDestroy(): void {
    for (const devices of this.typing.values()) for (const timer of devices.values()) clearTimeout(timer);
  }

  private forget(chatId: string, device: string): void {
    const chats = this.chatsOf.get(device);
    chats?.delete(chatId);
    if (chats?.size === 0) this.chatsOf.delete(device);
  }
}

const keyOf = (device: string, chatId: string) => `${device}:${chatId}`;
