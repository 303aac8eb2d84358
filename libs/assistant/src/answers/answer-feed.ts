import type { AssistantEvent } from '#contracts';
import { RealtimeEmitter } from '#platform';
import { Injectable } from '@nestjs/common';

type Listener = (event: AssistantEvent) => void;

/** Publishes the events of each assistant chat to the connections that have it open, on any node. */
@Injectable()
export class AnswerFeed {
  private readonly listeners = new Map<string, Set<Listener>>();

  constructor(private readonly emitter: RealtimeEmitter) {}

  publish(chatId: string, event: AssistantEvent): void {
    this.emitter.toAssistant(chatId, { chatId, event });
  }

  /** Called with published events on each node that holds connections. */
  deliver(chatId: string, event: AssistantEvent): void {
    for (const listener of this.listeners.get(chatId) ?? []) listener(event);
  }

  /** @returns a function that ends it */
  listen(chatId: string, listener: Listener): () => void {
    const listeners = this.listeners.get(chatId) ?? new Set();
    this.listeners.set(chatId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.listeners.get(chatId) === listeners) this.listeners.delete(chatId);
    };
  }
}
