import { WORK, Lines, Metrics } from '#platform';
import { Injectable } from '@nestjs/common';
import { WriteTurns } from './write-turns.js';

/**
 * Changes to a chat wait for its lock. In line here, before they take a connection, a busy chat holds one of them and
 * not all. The sends of the chat wait meanwhile, those of others go on. Other nodes' changes still meet in the database.
 */
@Injectable()
export class ChatTurns {
  private readonly lines: Lines;

  constructor(
    private readonly writes: WriteTurns,
    metrics: Metrics,
  ) {
    this.lines = new Lines(WORK.chatChanges.most, () => metrics.refuse(WORK.chatChanges));
  }

  /** @throws AppError UNAVAILABLE when too many wait; what `change` throws, or a change before it that met no database */
  take<T>(chatId: string, change: () => Promise<T>): Promise<T> {
    return this.lines.take(chatId, () => this.writes.hold(chatId, change));
  }
}
