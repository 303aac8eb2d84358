import { AppError } from '#contracts';
import { RETRY_MS } from './retry.js';

/** For a request that this process refuses, such as one beyond a budget. */
export const unavailable = (message: string) =>
  new AppError('UNAVAILABLE', message, { retryAfterMs: RETRY_MS });

/** The database or Redis does not answer. Its cause is logged. */
export class DependencyUnavailable extends AppError {
  constructor(message = 'The service is not available, try again') {
    super('UNAVAILABLE', message, { retryAfterMs: RETRY_MS });
  }
}

/** For a client that no longer waits. */
export const disconnected = () => new AppError('INVALID_DATA', 'Client disconnected');

/** @throws DependencyUnavailable (when it takes longer than `ms`; its later result is ignored) */
export async function within<T>(ms: number, work: Promise<T>, message?: string): Promise<T> {
  let timer: NodeJS.Timeout;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DependencyUnavailable(message)), ms);
  });
  try {
    return await Promise.race([work, tooLong]);
  } finally {
    clearTimeout(timer!);
  }
}
