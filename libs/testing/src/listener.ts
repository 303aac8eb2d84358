import type { Socket } from 'socket.io-client';

/** A real Socket.IO client that keeps everything it hears; `Events` are the payloads by event. */
export class Listener<Events extends object> {
  readonly heard: { event: string; payload: never }[] = [];
  private readonly waiting = new Set<() => void>();

  constructor(readonly socket: Socket) {
    socket.onAny((event: string, payload: unknown) => {
      this.heard.push({ event, payload: payload as never });
      for (const check of [...this.waiting]) check();
    });
  }

  all<E extends keyof Events>(event: E): Events[E][] {
    return this.heard.filter((heard) => heard.event === event).map(({ payload }) => payload);
  }

  /** The first such event, from before or still to come. */
  async next<E extends keyof Events>(
    event: E,
    matches: (payload: Events[E]) => boolean = () => true,
  ): Promise<Events[E]> {
    return await this.until(() => this.all(event).find(matches), `${String(event)} was not heard`);
  }

  /** Waits until `find` gives something; it is asked again after each event. */
  until<T>(find: () => T | undefined, otherwise = 'did not happen', timeoutMs = 8000): Promise<T> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        this.waiting.delete(check);
        settle();
      };
      const check = () => {
        const found = find();
        if (found) finish(() => resolve(found));
      };
      const heard = () => this.heard.map(({ event }) => event).join(', ');
      const timer = setTimeout(
        () => finish(() => reject(new Error(`${otherwise}; heard: ${heard()}`))),
        timeoutMs,
      );
      this.waiting.add(check);
      check();
    });
  }

  async disconnected(): Promise<void> {
    if (this.socket.disconnected && this.socket.id === undefined && !this.socket.active) return;
    await new Promise<void>((resolve) => this.socket.once('disconnect', () => resolve()));
  }

  close(): void {
    this.socket.close();
  }
}
