import { WORK, KeyedQueue, Metrics } from '#platform';
import { Injectable } from '@nestjs/common';
import { WriteMutex } from '../messages/write-mutex.js';

/**
 * Queues the changes of a chat, which all need its lock. They queue here before they take a connection, so a busy chat
 * holds one connection instead of all. Sends to the chat wait meanwhile, sends to others continue. The database
 * serializes changes of other nodes.
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

  /**
   * @throws AppError UNAVAILABLE (when too many wait), any error of `change`, or a database error of an earlier change
   *   in the queue
   */
  run<T>(chatId: string, change: () => Promise<T>): Promise<T> {
    return this.queue.run(chatId, () => this.writes.runPaused(chatId, change));
  }
}
