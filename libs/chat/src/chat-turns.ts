import { Batcher } from '#platform';
import { Injectable } from '@nestjs/common';

/** The most changes that wait for one chat: about what a database does in a few seconds. */
const MAX_WAITING = 1000;

type Change = () => Promise<unknown>;

/**
 * Changes to a chat wait for its lock. In line here, before they take a connection, a busy chat holds one of them and
 * not all. Other nodes' changes still meet in the database.
 */
@Injectable()
export class ChatTurns {
  private readonly lines = new Map<string, { batcher: Batcher<Change, unknown>; length: number }>();

  /** @throws AppError UNAVAILABLE when too many wait; what `change` throws, or a change before it that met no database */
  async take<T>(chatId: string, change: () => Promise<T>): Promise<T> {
    const line = this.lines.get(chatId) ?? { batcher: oneByOne(), length: 0 };
    this.lines.set(chatId, line);
    line.length += 1;
    try {
      return (await line.batcher.add(change)) as T;
    } finally {
      line.length -= 1;
      if (line.length === 0) this.lines.delete(chatId);
    }
  }
}

const oneByOne = () =>
  new Batcher<Change, unknown>(async ([change]) => [await change!()], {
    maxBatch: 1,
    maxQueued: MAX_WAITING,
  });
