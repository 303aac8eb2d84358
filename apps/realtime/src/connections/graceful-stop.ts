import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Server } from 'socket.io';
import { DeliveryReceipts } from '../delivery/delivery-receipts.js';
import { Dialects } from '../dialects/dialects.js';
import { EventsInFlight, stopping } from '../events/events-in-flight.js';

/** Of the 3 s that a stop may take, ms: for what is being answered, and for the answers' way out. */
const ANSWERS_MS = 1500;
const WAY_OUT_MS = 500;

/** What of Engine.IO's server is used here beyond its types. */
interface Connections {
  clients: Record<
    string,
    NodeJS.EventEmitter & { close(): void; transport: { shouldClose?: (() => void) | null } }
  >;
}

/**
 * The end of the sockets when the app closes: nobody new, everybody is told, what has been received is answered,
 * and the transports are closed, upon which clients reconnect by themselves. It comes before everything that it
 * needs is closed: the rest of this module, the features, the database.
 */
@Injectable()
export class GracefulStop implements OnModuleDestroy {
  private server?: Server;

  constructor(
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
    // The devices of this server only: others go on.
    this.server.local.emit('error', stopping().toBody());
    await within(ANSWERS_MS, answered);
    this.deliveries.flush();
    const connections = Object.values((engine as unknown as Connections).clients);
    const gone = connections.map((connection) => once(connection, 'close'));
    for (const namespace of this.dialects.returning) namespace.local.disconnectSockets();
    // Not by `disconnect`, after which any other client would stay away. What waits to be sent goes first.
    for (const connection of connections) connection.close();
    await within(WAY_OUT_MS, Promise.all(gone));
    // Who polls no more would be waited for, for 30 s.
    for (const { transport } of connections) transport.shouldClose?.();
  }
}

/** Who has not read by then, and what has not been answered by then, is given up: clients repeat it. */
async function within(ms: number, done: Promise<unknown>): Promise<void> {
  const giveUp = new AbortController();
  await Promise.race([done, sleep(ms, undefined, { signal: giveUp.signal }).catch(() => undefined)]);
  giveUp.abort();
}
