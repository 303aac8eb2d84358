import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until it is so, by asking again and again: for what nobody is told of. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  timeoutMs = 25_000,
): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !(await isSo()); await sleep(20))
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
}

/** Something that hears things, and tests that wait for them. */
export abstract class Waiting {
  private readonly checks = new Set<() => void>();

  /** What has been heard so far, for the message of a wait that was in vain. */
  protected abstract sofar(): string;

  protected changed(): void {
    for (const check of [...this.checks]) check();
  }

  /** Waits until `find` gives something; it is asked again after each change. */
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
        () => finish(() => reject(new Error(`${otherwise}; heard: ${this.sofar()}`))),
        timeoutMs,
      );
      this.checks.add(check);
      check();
    });
  }
}
