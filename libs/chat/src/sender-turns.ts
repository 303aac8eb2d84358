import { Injectable } from '@nestjs/common';

/** Looking something up takes time: what the same sender sends meanwhile waits, so that their order holds. */
@Injectable()
export class SenderTurns {
  private readonly last = new Map<string, Promise<unknown>>();

  areTaken(senderId: string): boolean {
    return this.last.has(senderId);
  }

  async take<T>(senderId: string, lookUp: () => Promise<T>): Promise<T> {
    const before = this.last.get(senderId) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(lookUp);
    this.last.set(senderId, turn);
    try {
      return await turn;
    } finally {
      if (this.last.get(senderId) === turn) this.last.delete(senderId);
    }
  }
}
