import { within } from '#platform';
import { Hub } from '#realtime';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { once } from 'node:events';
import type { Server } from 'socket.io';
import { DeliveryReceipts } from '../delivery/delivery-receipts.js';
import { Dialects } from '../dialects/dialects.js';
import { sessionsOf } from '../transport/internals.js';
import { EventsInFlight, stopping } from '../events/events-in-flight.js';

/** Part of the 3 s of a stop, ms, for events being handled and the delivery of their answers. */
const ANSWERS_MS = 1500;
const WAY_OUT_MS = 500;

/**
 * Closes the sockets when the app closes: new devices are refused, connected ones are notified, and received events are
 * answered. Then the transports are closed, and clients reconnect by themselves. All this happens before its
 * dependencies close: the rest of this module, the features, the database.
 */
@Injectable()
export class GracefulStop implements OnModuleDestroy {
  private server?: Server;

  constructor(
    private readonly hub: Hub,
    private readonly inFlight: EventsInFlight,
    private readonly deliveries: DeliveryReceipts,
    private readonly dialects: Dialects,
  ) {}

  watch(server: Server): void {
    this.server = server;
  }

  async onModuleDestroy(): Promise<void> {
    if (!this.server) return;
    const { engine } = this.server;
    engine.opts.allowRequest = (_request, decide) => decide(stopping().message, false);
    const answered = this.inFlight.close();
    // Only the devices of this process: other nodes continue.
    this.hub.deliver({ event: { name: 'error', payload: stopping().toBody() }, topics: [] });
    // Unanswered events and unread data are abandoned after this time: clients repeat them.
    await within(ANSWERS_MS, answered).catch(() => undefined);
    this.deliveries.flush();
    const connections = sessionsOf(engine);
    const gone = connections.map((connection) => once(connection, 'close'));
    for (const { sockets } of this.dialects.returning)
      for (const socket of sockets.values()) socket.disconnect();
    // Not by `disconnect`, after which clients do not reconnect. Queued data is sent first.
    for (const connection of connections) connection.close();
    await within(WAY_OUT_MS, Promise.all(gone)).catch(() => undefined);
    // Without a poll from the client, the close would wait for 30 s.
    for (const { transport } of connections) transport.shouldClose?.();
  }
}
