import { AppError } from '#contracts';
import { Injectable } from '@nestjs/common';

/** When a client should be back, ms: by then another server has taken over, or this one has started anew. */
const RETRY_MS = 1000;

export const stopping = () =>
  new AppError('UNAVAILABLE', 'The server is stopping, reconnect', { retryAfterMs: RETRY_MS });

/** The events that are being answered: a stop lets those end, and takes no others. */
@Injectable()
export class EventsInFlight {
  private count = 0;
  private closed = false;
  private whenNone?: () => void;

  /**
   * Each ends with `leave`, one that is refused too.
   * @throws AppError UNAVAILABLE when the server is stopping
   */
  enter(): void {
    this.count += 1;
    if (this.closed) throw stopping();
  }

  leave(): void {
    this.count -= 1;
    if (this.count === 0) this.whenNone?.();
  }

  /** Nothing enters from here on; resolves when all have left. */
  close(): Promise<void> {
    this.closed = true;
    return new Promise((resolve) => (this.count === 0 ? resolve() : (this.whenNone = resolve)));
  }
}
