import { setTimeout as sleep } from 'node:timers/promises';

/** Delay before failed work is repeated, here or by a client, ms. */
export const RETRY_MS = 1000;

/**
 * Repeats work until it succeeds.
 * @param onFailure throws to give up
 */
export async function retry<T>(
  work: () => Promise<T>,
  onFailure: (error: Error) => void,
  pauseMs = RETRY_MS,
): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      onFailure(error as Error);
      await sleep(pauseMs, undefined, { ref: false });
    }
  }
}
