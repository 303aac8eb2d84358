import { AppError } from '#contracts';
import { RETRY_MS } from './retry.js';

export const unavailable = (message = 'The service is not available, try again') =>
  new AppError('UNAVAILABLE', message, { retryAfterMs: RETRY_MS });

/** For a client that no longer waits. It is no UNAVAILABLE, whose cause is logged as that of a dependency. */
export const disconnected = () => new AppError('INVALID_DATA', 'Client disconnected');

/** @throws AppError UNAVAILABLE (when it takes longer than `ms`; its later result is ignored) */
export async function within<T>(ms: number, work: Promise<T>, message?: string): Promise<T> {
  let timer: NodeJS.Timeout;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(unavailable(message)), ms);
  });
  try {
    return await Promise.race([work, tooLong]);
  } finally {
    clearTimeout(timer!);
  }
}
