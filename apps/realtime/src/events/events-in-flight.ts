import { unavailable } from '#platform';
import { Injectable } from '@nestjs/common';

/** By its retry time, another server has taken over, or this one has restarted. */
export const stopping = () => unavailable('The server is stopping, reconnect');

/** The events that are being handled: a stop waits for them, and accepts no others. */
@Injectable()
export class EventsInFlight {
  private count = 0;
  private closed = false;
  private whenNone?: () => void;

  /**
   * Each event must call `leave`, including a refused one.
   * @throws AppError UNAVAILABLE (when the server is stopping)
   */
  enter(): void {
    this.count += 1;
    if (this.closed) throw stopping();
  }

  leave(): void {
    this.count -= 1;
    if (this.count === 0) this.whenNone?.();
  }

  /** Accepts no further events; resolves when all have left. */
  close(): Promise<void> {
    this.closed = true;
    return new Promise((resolve) => (this.count === 0 ? resolve() : (this.whenNone = resolve)));
  }
}
