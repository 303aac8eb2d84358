import { setTimeout as sleep } from 'node:timers/promises';

/** Polls until the condition is true. For states that no event announces. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  timeoutMs = 25_000,
): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !(await isSo()); await sleep(20))
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
}

/** Base class of clients that record what they receive. Tests can wait for a record. */
export abstract class Waiting {
  private readonly checks = new Set<() => void>();

  /** Everything received so far, for the message of a failed wait. */
  protected abstract sofar(): string;

  protected changed(): void {
    for (const check of [...this.checks]) check();
  }

  /** Waits until `find` returns something. It is called again after each change. */
  until<T>(find: () => T | undefined, otherwise = 'did not happen', timeoutMs = 25_000): Promise<T> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        this.checks.delete(check);
        settle();
      };
      const check = () => {
        const found = find();
        if (found) finish(() => resolve(found));
      };
      const timer = setTimeout(
        () => finish(() => reject(new Error(`${otherwise}; received: ${this.sofar()}`))),
        timeoutMs,
      );
      this.checks.add(check);
      check();
    });
  }
}
