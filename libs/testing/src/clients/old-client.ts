import type { Socket } from 'socket.io-client';
// @ts-expect-error it has no types
import connect from 'socket.io-client-v2';
import { Listener } from './listener.js';

interface OldSocket {
  onevent(packet: { data: [event: string, payload: unknown] }): void;
  onAny(listener: (event: string, payload: unknown) => void): void;
  emit(event: string, ...args: unknown[]): void;
  on(event: string, listener: (value: unknown) => void): void;
  io: { engine: { sendPacket(type: string): void; once(event: string, listener: () => void): void } };
}

/** A client of Socket.IO 2: Engine.IO 3, its own heartbeat, the token in the query. */
export class OldClient extends Listener<Record<string, Record<string, unknown>>> {
  readonly violations: string[] = [];
  /** The contents of its `error` packets. */
  readonly refusals: unknown[] = [];

  private constructor(readonly old: OldSocket) {
    // Adds the methods that the old client lacks.
    old.onAny = (listener) => {
      const onevent = old.onevent.bind(old);
      old.onevent = (packet) => {
        listener(...packet.data);
        onevent(packet);
      };
    };
    super(old as unknown as Socket);
    old.on('error', (value) => {
      if (typeof value === 'string') this.refusals.push(value);
      this.changed();
    });
  }

  static open(url: string, token: string, transport: string, more: object = {}): OldClient {
    const options = {
      transports: [transport],
      query: { token },
      forceNew: true,
      reconnection: false,
      ...more,
    };
    return new OldClient((connect as (url: string, options: object) => OldSocket)(url, options));
  }

  ask<T = Record<string, unknown>>(event: string, ...args: unknown[]): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer to ${event}`)), 10_000);
      let answers = 0;
      this.old.emit(event, ...args, (answer: T) => {
        clearTimeout(timer);
        if (++answers > 1) this.violations.push(`${event} was answered twice`);
        resolve(answer);
      });
    });
  }

  /** Sends a heartbeat now. */
  beat(): Promise<void> {
    return new Promise((resolve) => {
      this.old.io.engine.once('pong', resolve);
      this.old.io.engine.sendPacket('ping');
    });
  }
}
