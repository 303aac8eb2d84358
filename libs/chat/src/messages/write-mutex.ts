import { Counts, KeyedQueue, WORK, Metrics, unavailable } from '#platform';
import { Injectable } from '@nestjs/common';

/** One result per item, in order; an Error rejects only its item. */
type Results<R> = (R | Error | Promise<R>)[];

/**
 * Serializes sends and cursor updates, which lock the same rows. So the next one starts with free locks. Concurrently,
 * each would hold a connection only to wait for the other's commit. The database serializes writes of other nodes.
 *
 * A change of a single chat may be slow, so it does not hold the mutex: it pauses its chat. A batch leaves paused chats
 * out. Their writes follow the change, in their order; all other chats continue.
 */
@Injectable()
export class WriteMutex {
  /** The last work that was given the mutex; never rejects. */
  private last: Promise<unknown> = Promise.resolve();
  private readonly changes: KeyedQueue;
  /** The change of each paused chat, and the writes that follow it. */
  private readonly paused = new KeyedQueue();
  private readonly waiting = new Counts();

  constructor(private readonly metrics: Metrics) {
    this.changes = new KeyedQueue({
      maxWaiting: WORK.chatChanges.most,
      onRefused: () => metrics.refuse(WORK.chatChanges),
      sharesOutage: true,
    });
  }

  /** Runs `write` after all earlier work. It must leave paused chats out. */
  runExclusive<T>(write: () => Promise<T>): Promise<T> {
    const result = this.last.then(write);
    this.last = result.catch(() => undefined);
    return result;
  }

  isPaused(chatId: string): boolean {
    return this.paused.has(chatId);
  }

  /**
   * Runs a change of a chat: after earlier writes, and before later ones. So earlier messages are published before the
   * change begins, and later ones after its caller has continued. Changes queue here before they take a connection, so
   * a busy chat holds one connection instead of all. Writes wait for one change at most.
   * @throws AppError UNAVAILABLE (when too many wait), any error of `change`, or an outage of an earlier change
   */
  change<T>(chatId: string, change: () => Promise<T>): Promise<T> {
    return this.changes.run(chatId, () => {
      const { last } = this;
      return this.paused.run(chatId, () => last.then(change));
    });
  }

  /**
   * Writes a batch; items of paused chats follow their change. `flush` takes the mutex before it waits
   * for anything, so a chat that is free here is still free then.
   */
  async write<T, R>(
    batch: T[],
    chatOf: (item: T) => string,
    flush: (items: T[]) => Promise<Results<R>>,
  ): Promise<Results<R>> {
    const isFree = (item: T) => !this.paused.has(chatOf(item));
    if (batch.every(isFree)) return flush(batch);
    const resultOf = new Map<T, Promise<R>>();
    const keep = (items: T[], results: Promise<Results<R>>) =>
      items.forEach((item, i) => resultOf.set(item, resultAt(results, i)));
    const free = batch.filter(isFree);
    const written = free.length > 0 && flush(free);
    if (written) keep(free, written);
    for (const chatId of new Set(batch.filter((item) => !isFree(item)).map(chatOf))) {
      const items = batch.filter((item) => chatOf(item) === chatId);
      keep(
        items,
        this.writeAfterChange(chatId, items.length, () => flush(items)),
      );
    }
    if (written) await Promise.allSettled([written]);
    return batch.map((item) => resultOf.get(item)!);
  }

  /** Resolves when no work waits for a change any more. */
  idle(): Promise<void> {
    return this.paused.idle();
  }

  /** @throws AppError UNAVAILABLE (when too much waits) */
  private async writeAfterChange<T>(chatId: string, count: number, write: () => Promise<T>): Promise<T> {
    if (this.waiting.of(chatId) + count > WORK.pausedChat.most) {
      this.metrics.refuse(WORK.pausedChat, count);
      throw unavailable('The chat is being changed, try again');
    }
    this.waiting.add(chatId, count);
    return this.paused.run(chatId, write).finally(() => this.waiting.add(chatId, -count));
  }
}

function resultAt<R>(results: Promise<Results<R>>, i: number): Promise<R> {
  const result = results.then((all) => {
    if (all[i] instanceof Error) throw all[i];
    return all[i] as R | Promise<R>;
  });
  // Node reports a promise as unhandled that rejects before its caller has it.
  result.catch(() => undefined);
  return result;
}
