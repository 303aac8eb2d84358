import { Injectable } from '@nestjs/common';

/**
 * Sends and marks lock the same rows. In turns, the next one starts with the locks free; at once, each would hold
 * a connection only to wait for the other's commit. Other nodes' writes still meet in the database.
 */
@Injectable()
export class WriteTurns {
  private last: Promise<unknown> = Promise.resolve();

  take<T>(write: () => Promise<T>): Promise<T> {
    const turn = this.last.then(write, write);
    this.last = turn.catch(() => undefined);
    return turn;
  }
}
