import { Injectable } from '@nestjs/common';

/** Looking something up takes time: what the same sender sends meanwhile waits, so that their order holds. */
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
