import { Connection, type Protocol } from './connection.js';
import type { OutgoingEvent } from './outgoing-event.js';

/** Frames that show which form of an event was encoded. */
export class TestProtocol implements Protocol<string> {
  encoded = 0;

  constructor(private readonly name = 'plain') {}

  encode({ name, payload, own }: OutgoingEvent, isOwn: boolean): string {
    this.encoded += 1;
    return `${this.name} ${name} ${JSON.stringify({ ...(payload as object), ...(isOwn && own?.fields) })}`;
  }
}

/** A connection without a socket. */
export class TestConnection extends Connection<string> {
  readonly sessionId: string;
  readonly received: string[] = [];
  readonly signedOut: string[] = [];

  constructor(
    readonly userId: string,
    readonly id = userId,
    readonly protocol: Protocol<string> = new TestProtocol(),
  ) {
    super();
    this.sessionId = `session of ${id}`;
  }

  send(frame: string): void {
    this.received.push(frame);
  }

  signOut(reason: string): void {
    this.signedOut.push(reason);
  }

  /** Its topics besides those of its user and session. */
  get topics(): string[] {
    return [...this.subscriptions]
      .filter(({ kind }) => kind !== 'user' && kind !== 'session')
      .map(({ kind, id }) => `${kind}:${id}`)
      .sort();
  }
}
