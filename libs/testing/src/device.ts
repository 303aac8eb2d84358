import type { ClientEvent, PayloadOf, ServerEvent } from '#contracts';
import { CLIENT_EVENTS } from '#contracts';
import { randomUUID } from 'node:crypto';
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import { PacketType } from 'socket.io-parser';
import { ackErrors, eventErrors } from './contract.js';
import { Listener } from './listener.js';

type AckOf<E extends ClientEvent> = InstanceType<(typeof CLIENT_EVENTS)[E]['ack']>;
/** Either the event's own acknowledgement or an error: tests look at whichever they expect. */
export type Answer<E extends ClientEvent> = AckOf<E> & {
  code?: string;
  reason?: string;
  details?: { field: string }[];
  retry_after_ms?: number;
};

/**
 * A phone: a real Socket.IO client that keeps everything it hears. Every event and acknowledgement is checked
 * strictly against the contract; what breaks it is in `violations`.
 */
export class Device extends Listener<{ [E in ServerEvent]: PayloadOf<E> }> {
  readonly violations: string[] = [];
  private readonly answered = new Set<number>();

  private constructor(socket: Socket) {
    super(socket);
    // The client itself drops a second answer without a word.
    socket.io.on('packet', ({ type, id }) => {
      if (type !== PacketType.ACK && type !== PacketType.BINARY_ACK) return;
      if (this.answered.has(id!)) this.violations.push(`acknowledgement ${id} was given twice`);
      this.answered.add(id!);
    });
    socket.onAny((event: string, ...args: unknown[]) => {
      this.violations.push(...eventErrors(event, args));
    });
  }

  /** Connects and, for a good token, waits until the device is in its rooms. */
  static async connect(
    url: string,
    token: unknown,
    options: Partial<ManagerOptions & SocketOptions> = {},
  ): Promise<Device> {
    const device = Device.open(url, token, options);
    await device.next('sync:required');
    return device;
  }

  /** Connects and waits for nothing. */
  static open(url: string, token: unknown, options: Partial<ManagerOptions & SocketOptions> = {}): Device {
    return new Device(
      io(url, {
        transports: ['websocket'],
        auth: { token },
        forceNew: true,
        reconnection: false,
        ...options,
      }),
    );
  }

  /** Sends an event and waits for its one acknowledgement. */
  async send<E extends ClientEvent>(event: E, payload: object): Promise<Answer<E>> {
    const ack: unknown = await this.socket.timeout(30_000).emitWithAck(event, payload);
    this.violations.push(...ackErrors(event, ack));
    return ack as Answer<E>;
  }

  /**
   * Sends an event as text that no client would make of itself: names that are reserved, nesting that ends the
   * stack of a client, own `__proto__` keys, any number of arguments. `json`: `"event",argument,…`
   */
  sendRaw(json: string): Promise<{ status?: string; code?: string }> {
    const inside = this.socket as unknown as { ids: number; acks: Record<number, (ack: object) => void> };
    const id = inside.ids++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer to ${json.slice(0, 80)}`)), 25_000);
      inside.acks[id] = (ack) => {
        clearTimeout(timer);
        this.violations.push(...ackErrors('raw', ack));
        resolve(ack);
      };
      this.socket.io.engine.write(`2${id}[${json}]`);
    });
  }

  /**
   * Waits for a round trip: whatever the server had sent to this device before is in `heard` then. With it a test
   * tells that something was not sent, without waiting for it not to come.
   */
  async settled(): Promise<void> {
    await this.send('presence:get', { user_ids: [randomUUID()] });
  }
}
