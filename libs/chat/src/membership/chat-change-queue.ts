import { WORK, KeyedQueue, Metrics } from '#platform';
import { Injectable } from '@nestjs/common';
import { WriteMutex } from '../messages/write-mutex.js';

/**
 * Changes to a chat wait for its lock. In line here, before they take a connection, a busy chat holds one of them and
 * not all. The sends of the chat wait meanwhile, those of others go on. Other nodes' changes still meet in the database.
 */
@Injectable()
export class ChatChangeQueue {
  private readonly queue: KeyedQueue;

  constructor(
    private readonly writes: WriteMutex,
    metrics: Metrics,
  ) {
    this.queue = new KeyedQueue(WORK.chatChanges.most, () => metrics.refuse(WORK.chatChanges));
  }

  /** @throws AppError UNAVAILABLE when too many wait; what `change` throws, or a change before it that met no database */
  run<T>(chatId: string, change: () => Promise<T>): Promise<T> {
    return this.queue.run(chatId, () => this.writes.runPaused(chatId, change));
  }
}
