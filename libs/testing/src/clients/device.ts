import type { ClientEvent, PayloadOf, ServerEvent } from '#contracts';
import { CLIENT_EVENTS } from '#contracts';
import { randomUUID } from 'node:crypto';
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import { PacketType } from 'socket.io-parser';
import { ackErrors, eventErrors } from '../contract.js';
import { Listener } from './listener.js';

type AckOf<E extends ClientEvent> = InstanceType<(typeof CLIENT_EVENTS)[E]['ack']>;
/** The event's own acknowledgement or an error: a test reads the one it expects. */
export type Answer<E extends ClientEvent> = AckOf<E> & {
  code?: string;
  reason?: string;
  details?: { field: string }[];
  retry_after_ms?: number;
};

/**
 * A phone: a real Socket.IO client that records everything it receives. Every event and acknowledgement is checked
 * strictly against the contract; differences are added to `violations`.
 */
export class Device extends Listener<{ [E in ServerEvent]: PayloadOf<E> }> {
  readonly violations: string[] = [];
  private readonly answered = new Set<number>();

  private constructor(socket: Socket) {
    super(socket);
    // The client itself ignores a second answer silently.
    socket.io.on('packet', ({ type, id }) => {
      if (type !== PacketType.ACK && type !== PacketType.BINARY_ACK) return;
      if (this.answered.has(id!)) this.violations.push(`acknowledgement ${id} was given twice`);
      this.answered.add(id!);
    });
    socket.onAny((event: string, ...args: unknown[]) => {
      this.violations.push(...eventErrors(event, args));
    });
  }

  /** Connects and, with a valid token, waits until the device receives events. */
  static async connect(
    url: string,
    token: unknown,
    options: Partial<ManagerOptions & SocketOptions> = {},
  ): Promise<Device> {
    const device = Device.open(url, token, options);
    await device.next('sync:required');
    return device;
  }

  /** Connects without waiting. */
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

  /** Sends an event and waits for its single acknowledgement. */
  async send<E extends ClientEvent>(event: E, payload: object): Promise<Answer<E>> {
    const ack: unknown = await this.socket.timeout(30_000).emitWithAck(event, payload);
    this.violations.push(...ackErrors(event, ack));
    return ack as Answer<E>;
  }

  /**
   * Sends an event as text that a normal client would not send: reserved names, nesting that overflows a client's
   * stack, own `__proto__` keys, any number of arguments. `json`: `"event",argument,…`
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
   * Waits for a round trip: after it, `received` has everything that the server had sent before. So a test proves that
   * something was not sent without waiting for a timeout.
   */
  async settled(): Promise<void> {
    await this.send('presence:get', { user_ids: [randomUUID()] });
  }
}
