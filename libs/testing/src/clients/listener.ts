import type { Socket } from 'socket.io-client';
import { Waiting } from '../waiting.js';

/** A real Socket.IO client that records everything it receives; `Events` maps events to payloads. */
export class Listener<Events extends object> extends Waiting {
  readonly received: { event: string; payload: never }[] = [];

  constructor(readonly socket: Socket) {
    super();
    socket.onAny((event: string, payload: unknown) => {
      this.received.push({ event, payload: payload as never });
      this.changed();
    });
  }

  protected sofar(): string {
    return this.received
      .slice(-50)
      .map(({ event }) => event)
      .join(', ');
  }

  all<E extends keyof Events>(event: E): Events[E][] {
    return this.received.filter((received) => received.event === event).map(({ payload }) => payload);
  }

  /** The first such event, received or still to come. */
  async next<E extends keyof Events>(
    event: E,
    matches: (payload: Events[E]) => boolean = () => true,
  ): Promise<Events[E]> {
    return await this.until(() => this.all(event).find(matches), `${String(event)} was not received`);
  }

  async disconnected(): Promise<void> {
    if (this.socket.disconnected && this.socket.id === undefined && !this.socket.active) return;
    await new Promise<void>((resolve) => this.socket.once('disconnect', () => resolve()));
  }

  close(): void {
    this.socket.close();
  }
}
