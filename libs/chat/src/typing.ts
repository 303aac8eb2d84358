import { RealtimeEmitter } from '#platform';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';

/** Contract, "Chat events": typing stops by itself. */
const TYPING_MS = 6000;

interface Typist {
  id: string;
  name: string;
  /** The device, whose disconnection ends its typing. */
  device: string;
}

/** Who is typing where. Never stored, never sent back to whoever types. */
@Injectable()
export class Typing implements OnModuleDestroy {
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private readonly chatsOf = new Map<string, Map<string, Typist>>();

  constructor(private readonly emitter: RealtimeEmitter) {}

  set(chatId: string, typist: Typist, isTyping: boolean): void {
    const key = `${chatId}:${typist.device}`;
    if (!isTyping && !this.timers.has(key)) return;
    clearTimeout(this.timers.get(key));
    if (isTyping) {
      this.timers.set(
        key,
        setTimeout(() => this.set(chatId, typist, false), TYPING_MS),
      );
      const chats = this.chatsOf.get(typist.device) ?? new Map<string, Typist>();
      this.chatsOf.set(typist.device, chats.set(chatId, typist));
    } else {
      this.timers.delete(key);
      this.forget(chatId, typist.device);
    }
    const event = { chat_id: chatId, user_id: typist.id, user_name: typist.name, is_typing: isTyping };
    this.emitter.toChat(chatId, 'chat:typing', event, typist.id);
  }

  /** Ends all typing of a device that is gone. */
  stopAll(device: string): void {
    for (const [chatId, typist] of this.chatsOf.get(device) ?? []) this.set(chatId, typist, false);
  }

  onModuleDestroy(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
  }

  private forget(chatId: string, device: string): void {
    const chats = this.chatsOf.get(device);
    chats?.delete(chatId);
    if (chats?.size === 0) this.chatsOf.delete(device);
  }
}
