import type { AssistantEvent } from '#contracts';
import { RealtimeEmitter } from '#platform';
import { Injectable } from '@nestjs/common';

type Listener = (event: AssistantEvent) => void;

/** What happens in each chat, to whoever has it open, on any node. */
@Injectable()
export class AnswerFeed {
  private readonly listeners = new Map<string, Set<Listener>>();

  constructor(private readonly emitter: RealtimeEmitter) {}

  publish(chatId: string, event: AssistantEvent): void {
    this.emitter.toAssistant(chatId, { chatId, event });
  }

  /** What was published, on each node that holds connections. */
  deliver(chatId: string, event: AssistantEvent): void {
    for (const listener of this.listeners.get(chatId) ?? []) listener(event);
  }

  /** @returns what ends it */
  listen(chatId: string, listener: Listener): () => void {
    const listeners = this.listeners.get(chatId) ?? new Set();
    this.listeners.set(chatId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.listeners.get(chatId) === listeners) this.listeners.delete(chatId);
    };
  }
}
