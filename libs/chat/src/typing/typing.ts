import { RateLimits, RealtimeEmitter, chatRoom, blockedRoom, userRoom } from '#platform';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Memberships } from '../membership/membership.js';
import { pointsOfAudience } from '../messages/message-points.js';

/** Contract, "Chat events": typing stops by itself. A client may say so once for as long as somebody types. */
const TYPING_MS = 30_000;

interface Typist {
  id: string;
  name: string;
  /** The device, whose disconnection ends its typing. */
  device: string;
}

/** A device as its socket knows it. */
interface Device {
  readonly id: string;
  readonly connected: boolean;
}

/** Who is typing where. Never stored, never sent back to whoever types, nor across a block. */
@Injectable()
export class Typing implements OnModuleDestroy {
  /** The devices that somebody types on, by chat and user, with the timer that ends it. */
  private readonly typing = new Map<string, Map<string, NodeJS.Timeout>>();
  private readonly chatsOf = new Map<string, Map<string, Typist>>();
  /** The last start of each device and chat that waits for the database. A stop withdraws it. */
  private readonly starts = new Map<string, symbol>();

  constructor(
    private readonly emitter: RealtimeEmitter,
    private readonly memberships: Memberships,
    private readonly limits: RateLimits,
  ) {}

  /** What a client says of itself, under the name that its user has now. @throws AppError CHAT_NOT_FOUND, FORBIDDEN, RATE_LIMIT */
  async report(chatId: string, userId: string, device: Device, isTyping: boolean): Promise<void> {
    if (isTyping) return this.start(chatId, userId, device);
    // At once: a start that waits for the database must not outlive it.
    this.stop(chatId, device.id);
    await this.memberships.require(chatId, userId);
  }

  private async start(chatId: string, userId: string, device: Device): Promise<void> {
    const key = keyOf(device.id, chatId);
    const start = Symbol(key);
    this.starts.set(key, start);
    try {
      const [{ name, isUnseen }] = await Promise.all([
        this.memberships.requireOpen(chatId, userId),
        this.limits.take('typing', userId, 1 + pointsOfAudience(this.emitter.audience(chatId))),
      ]);
      const isCurrent = device.connected && this.starts.get(key) === start;
      if (isCurrent && !isUnseen) this.set(chatId, { id: userId, name, device: device.id }, true);
    } finally {
      if (this.starts.get(key) === start) this.starts.delete(key);
    }
  }

  /** Whoever types on two devices has stopped when they stopped on both. */
  set(chatId: string, typist: Typist, isTyping: boolean, notTo = [blockedRoom(typist.id)]): void {
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
    this.emitter.toRooms([chatRoom(chatId)], 'chat:typing', event, [userRoom(typist.id), ...notTo]);
  }

  /** Ends what is typed in a direct chat that a block has closed. The other side hears that, too, but nothing later. */
  endIn(chatId: string): void {
    for (const chats of [...this.chatsOf.values()]) {
      const typist = chats.get(chatId);
      if (typist) this.set(chatId, typist, false, []);
    }
  }

  /** Ends what a device types in a chat, if it does. */
  stop(chatId: string, device: string): void {
    this.starts.delete(keyOf(device, chatId));
    const typist = this.chatsOf.get(device)?.get(chatId);
    if (typist) this.set(chatId, typist, false);
  }

  /** Ends all typing of a device that is gone. */
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
