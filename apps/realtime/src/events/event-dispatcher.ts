import { AppError } from '#contracts';
import { invalidToken } from '#identity';
import {
  SOCKETS,
  Metrics,
  RateLimits,
  KeyedLimiter,
  UserWrites,
  logger,
  pointsOfEvent,
  toAppError,
} from '#platform';
import { Injectable } from '@nestjs/common';
import { Connections } from '../connections/connections.js';
import { userOf, type DeviceSocket } from '../connections/device-connection.js';
import { kindOf, type EventKind } from './event-kinds.js';
import { EventsInFlight } from './events-in-flight.js';
import { sizeOf, UnparsedPayload } from '../transport/text-parser.js';

/** An event counts as one more per so many bytes: all members of a chat may have to receive it. */
const WEIGHED_BYTES = 1024;

/** A gateway's method as Nest wraps it. */
export type EventHandler = (payload: unknown, call: EventCall) => Promise<unknown>;

/** The context of an event. */
export interface EventCall {
  socket: DeviceSocket;
  /** The error of its handler, from the gateways' filter. */
  error?: unknown;
}

/** The protocol rules of a namespace. */
export interface ProtocolRules {
  handlers: Pick<ReadonlyMap<string, EventHandler>, 'get'>;
  /** Whether an event may come without its one argument. */
  fewestArgs: 0 | 1;
  /** An error as its acknowledgement, and as an `error` event. */
  refusal(error: AppError, event: string): { ack: object; event: object };
}

/**
 * Answers every client event exactly once, in every case: by its acknowledgement, or by an `error` event when the
 * client gave no callback for the error.
 */
@Injectable()
export class EventDispatcher {
  private readonly queues: Record<Exclude<EventKind, 'write'>, KeyedLimiter>;

  constructor(
    private readonly limits: RateLimits,
    private readonly metrics: Metrics,
    private readonly inFlight: EventsInFlight,
    private readonly connections: Connections,
    private readonly writes: UserWrites,
  ) {
    const limiter = () =>
      new KeyedLimiter(SOCKETS.eventsAtOnce.most, () => metrics.refuse(SOCKETS.eventsAtOnce));
    this.queues = { send: limiter(), read: limiter() };
  }

  /** Events are not passed on to Socket.IO: a client must not emit events of any name on our event emitters. */
  answer(socket: DeviceSocket, rules: ProtocolRules): void {
    socket.use((received) => void this.dispatch(socket, rules, received));
  }

  private async dispatch(socket: DeviceSocket, rules: ProtocolRules, received: unknown[]): Promise<void> {
    const [event, ...args] = received;
    const started = performance.now();
    const { userId } = userOf(socket);
    const callback =
      typeof args.at(-1) === 'function' ? (args.pop() as (answer: unknown) => void) : undefined;
    const handler = rules.handlers.get(event as string);
    const label = handler ? (event as string) : 'unknown';
    let outcome = 'ok';
    try {
      this.inFlight.enter();
      // Before it waits for anything, since waiting events are counted.
      const size = sizeOf(received);
      await this.limits.takeEvent(userId, pointsOfEvent(size));
      const kind = kindOf(event as string);
      const handle = () => this.handle(handler, socket, args, rules);
      const answer =
        kind === 'write'
          ? await this.writes.run(userId, handle)
          : await this.queues[kind].run(userId, handle, 1 + Math.floor(size / WEIGHED_BYTES));
      callback?.(answer);
    } catch (error) {
      const refusal = toAppError(error);
      outcome = refusal.code;
      if (outcome === 'INTERNAL')
        logger.error({ err: error, event: label, socket_id: socket.id }, 'event failed');
      this.metrics.errors.inc({ code: outcome });
      if (outcome === 'RATE_LIMIT' && (await this.limits.isFlooding(userId))) socket.conn.close(true);
      const reply = rules.refusal(refusal, label);
      if (callback) callback(reply.ack);
      else socket.emit('error', reply.event);
    } finally {
      this.inFlight.leave();
    }
    const seconds = (performance.now() - started) / 1000;
    this.metrics.messages.inc({ event: label, status: outcome });
    this.metrics.latency.observe(seconds);
    if (logger.isLevelEnabled('debug'))
      logger.debug({ event: label, outcome, ms: Math.round(seconds * 1000), socket_id: socket.id }, 'event');
  }

  private async handle(
    handler: EventHandler | undefined,
    socket: DeviceSocket,
    args: unknown[],
    { fewestArgs }: ProtocolRules,
  ): Promise<unknown> {
    if (!socket.connected) throw invalidToken();
    this.connections.requireLive(socket.data.connection!);
    if (args[0] instanceof UnparsedPayload) throw args[0].error;
    if (!handler) throw new AppError('INVALID_DATA', 'Unknown event');
    if (args.length > 1 || args.length < fewestArgs)
      throw new AppError('INVALID_DATA', 'An event must carry exactly one object');
    const call: EventCall = { socket };
    const result = await handler(args[0], call);
    if ('error' in call) throw call.error;
    return result;
  }
}
