import { Injectable } from '@nestjs/common';

/** Keeps the order of a sender's messages: while one needs a look-up, later ones of the same sender wait. */
@Injectable()
export class SenderQueue {
  private readonly last = new Map<string, Promise<unknown>>();

  isBusy(senderId: string): boolean {
    return this.last.has(senderId);
  }

  async run<T>(senderId: string, lookUp: () => Promise<T>): Promise<T> {
    const before = this.last.get(senderId) ?? Promise.resolve();
    const result = before.catch(() => undefined).then(lookUp);
    this.last.set(senderId, result);
    try {
      return await result;
    } finally {
      if (this.last.get(senderId) === result) this.last.delete(senderId);
    }
  }
}
