import { createAdapter } from '@socket.io/redis-streams-adapter';
import type { Redis } from 'ioredis';
import { Server } from 'socket.io';
import type { Adapter, BroadcastOptions, ClusterMessage } from 'socket.io-adapter';
import { setTimeout as sleep } from 'node:timers/promises';
import { logger } from './logging.js';
import type { RedisConnections } from './redis.js';

const STREAM = 'service-platform:nodes';
/** How much a node may have missed and still catch up, in messages: about half a minute of a busy cluster. */
const MAX_MESSAGES = 100_000;
const HELLO_MS = 200;

/** What is done to the sockets of a node: the same on each. */
export type Deed = 'broadcast' | 'addSockets' | 'delSockets' | 'disconnectSockets';
export type Deeds = Pick<Adapter, Deed>;

/** What of Socket.IO's adapter is used here beyond its types. */
type Link = Deeds & {
  uid: string;
  onMessage(message: ClusterMessage, offset?: string): void;
  close(): void;
};

const MESSAGE = { hello: 'hello', broadcast: 3, addSockets: 4, delSockets: 5, disconnectSockets: 6 } as const;

/**
 * The other processes of this program. What one does to its sockets the others do to theirs, by a stream in Redis: a
 * node that was cut off reads on where it was. Socket.IO's own streams adapter carries it (ADR 17).
 */
export class Nodes {
  private readonly client: Redis;
  private readonly link: Link;
  private lastSeen?: string;
  private isClosed = false;

  /** @param onMissed called when what others did can no longer be read */
  constructor(
    redis: RedisConnections,
    private readonly local: () => Deeds | undefined,
    private readonly onMissed: () => void,
  ) {
    this.client = redis.connect('nodes');
    // The library reads by a connection of its own, which ends with ours.
    this.client.duplicate = () => redis.connect('nodes');
    const options = { streamName: STREAM, maxLen: MAX_MESSAGES, onlyPlaintext: true, blockTimeInMs: 1000 };
    this.link = createAdapter(this.client, options)(new Server().of('/')) as unknown as Link;
    this.link.onMessage = (message, offset) => this.take(message, offset);
    this.client.on('ready', () => {
      this.lookForGap().catch((err: Error) => logger.warn({ err: err.message }, 'not looked for a gap'));
    });
  }

  /** Resolves when nothing of the others will be missed from here on. */
  async ready(): Promise<void> {
    while (!this.lastSeen && !this.isClosed) {
      // The stream is read from its end, which is nowhere until there is something in it.
      this.tell(
        'broadcast',
        { data: [MESSAGE.hello] },
        { rooms: new Set([MESSAGE.hello]), except: new Set() },
      );
      await sleep(HELLO_MS);
    }
  }

  tell<D extends Deed>(deed: D, ...args: Parameters<Deeds[D]>): void {
    (this.link[deed] as (...args: unknown[]) => void)(...args);
  }

  close(): void {
    this.isClosed = true;
    this.link.close();
  }

  private take(message: ClusterMessage, offset?: string): void {
    if (offset) this.lastSeen = offset;
    if (message.uid === this.link.uid || !('data' in message) || !('opts' in message.data)) return;
    const { rooms, except, flags } = message.data.opts;
    const options: BroadcastOptions = { rooms: new Set(rooms), except: new Set(except), flags };
    const local = this.local();
    if (!local) return;
    try {
      if (message.type === MESSAGE.broadcast && 'packet' in message.data)
        local.broadcast(message.data.packet, options);
      else if (message.type === MESSAGE.addSockets && 'rooms' in message.data)
        local.addSockets(options, message.data.rooms);
      else if (message.type === MESSAGE.delSockets && 'rooms' in message.data)
        local.delSockets(options, message.data.rooms);
      else if (message.type === MESSAGE.disconnectSockets)
        local.disconnectSockets(options, (message.data as { close?: boolean }).close ?? false);
    } catch (err) {
      logger.error({ err }, 'what another node told was not done');
    }
  }

  /** Redis is back, perhaps empty, or has gone on for longer than it keeps. */
  private async lookForGap(): Promise<void> {
    if (!this.lastSeen) return;
    const [first] = await this.client.xrange(STREAM, '-', '+', 'COUNT', 1);
    if (!first || isAfter(first[0], this.lastSeen)) this.onMissed();
  }
}

/** Whether one id of a stream comes after another: `milliseconds-number`. */
function isAfter(one: string, other: string): boolean {
  const [ms, number] = one.split('-').map(Number) as [number, number];
  const [otherMs, otherNumber] = other.split('-').map(Number) as [number, number];
  return ms > otherMs || (ms === otherMs && number > otherNumber);
}
