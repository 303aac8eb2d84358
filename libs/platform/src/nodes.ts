import type { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import { Counter } from 'prom-client';
import type { Adapter } from 'socket.io-adapter';
import { logger } from './logging.js';
import type { Metrics } from './metrics.js';
import type { NodeLeases } from './node-leases.js';
import type { RedisConnections } from './redis.js';
import { within } from './time-limit.js';

const STREAM = 'service-platform:nodes';
/** How much a node may have missed and still catch up, in messages: about half a minute of a busy cluster. */
const MAX_MESSAGES = 100_000;
/** What the stream may take of Redis's memory, bytes: one that is full takes no jobs either. */
const MAX_BYTES = 64 * 1024 * 1024;
/** A deed that changes who hears what and is told so late, ms, may be out of date: the database is asked. */
const LATE_MS = 1000;
/** What may wait to be told while Redis is away. */
const MAX_WAITING = { messages: 10_000, characters: 16 * 1024 * 1024 };
/** How often it is looked whether others can be told that something was not told, ms. */
const ADMIT_MS = 200;
/** How long a stop waits for Redis, ms. */
const LEAVE_MS = 500;
/** Messages that are read at once, and how long one read waits for some, ms. */
const READ = { count: 100, blockMs: 1000 };
const RETRY_MS = 200;
/** How long a Redis that was full has, ms, until more of the stream is given up. */
const TRIM_MS = 1000;
/** How often it is looked who has died, ms. */
const LOOK_MS = 5000;

export type Sockets = Pick<Adapter, 'broadcast' | 'addSockets' | 'delSockets' | 'disconnectSockets'>;

/** What is done to the sockets that are in any of `rooms` and in none of `except`, on each node. No rooms are all. */
export interface Deed {
  name: keyof Sockets;
  rooms: string[];
  except?: string[];
  /** The packet, or the rooms to join or to leave. */
  what?: unknown;
}

export function carryOut({ name, rooms, except, what }: Deed, sockets: Sockets): void {
  const options = { rooms: new Set(rooms), except: new Set(except) };
  if (name === 'broadcast') sockets.broadcast(what, options);
  else if (name === 'disconnectSockets') sockets.disconnectSockets(options, false);
  else sockets[name](options, what as string[]);
}

/** As it stands in the stream. Each process counts its own; one that says no deed was unable to say some, or leaves. */
interface Told {
  from: string;
  n: number;
  deed?: Deed;
  leaves?: true;
  /** Some that changed who hears what were told late, or not: also whoever says so may have mixed up their order. */
  late?: true;
}

/**
 * The other processes of this program. What one does to its sockets the others do to theirs, by a stream in Redis: a
 * node that was cut off reads on where it was (ADR 17).
 */
export class Nodes {
  private readonly writer: Redis;
  private readonly reader: Redis;
  private n = 0;
  private waiting = { messages: 0, characters: 0 };
  private untold = 0;
  private late = false;
  private trimmedAt = -Infinity;
  /** Of what is told, bytes. */
  private usualSize = 512;
  /** The stream has been read up to here. */
  private offset = '';
  private readonly heard = new Map<string, number>();
  /** Who was there before this node, and may die without a word. */
  private readonly before = new Set<string>();
  private readonly leaving = new Set<string>();
  private timer?: NodeJS.Timeout;
  private isClosed = false;
  private readonly dropped: Counter;

  /** @param onMissed called when something that others did is not known here */
  constructor(
    redis: RedisConnections,
    metrics: Metrics,
    private readonly leases: Pick<NodeLeases, 'id' | 'dead' | 'all'>,
    private readonly local: () => Sockets | undefined,
    private readonly onMissed: () => void,
  ) {
    this.writer = redis.connect('tell nodes');
    this.reader = redis.connect('hear nodes');
    this.dropped = new Counter({
      name: 'node_messages_dropped_total',
      help: 'What was not told to the other nodes, because too much waited or Redis refused it',
      registers: [metrics.registry],
    });
  }

  /** Resolves when nothing of the others will be missed from here on. */
  async ready(): Promise<void> {
    this.offset = await this.write();
    void this.read();
    // Whoever comes later is heard.
    for (const id of await this.leases.all()) this.before.add(id);
    const complain = (err: Error) => logger.warn({ err: err.message }, 'not looked for dead nodes');
    this.timer = setInterval(() => void this.lookForDead().catch(complain), LOOK_MS);
    this.reader.on('ready', () => {
      this.lookForGap().catch((err: Error) => logger.warn({ err: err.message }, 'not looked for a gap'));
    });
  }

  tell(deed: Deed): void {
    const { messages, characters } = this.waiting;
    if (messages >= MAX_WAITING.messages || characters >= MAX_WAITING.characters) {
      this.late ||= deed.name !== 'broadcast';
      return this.drop('too much waits');
    }
    const since = performance.now();
    const isLate = () => deed.name !== 'broadcast' && performance.now() - since > LATE_MS;
    // Whoever is let in now may have been removed by another node when this is told.
    if (deed.name === 'addSockets' && this.writer.status !== 'ready') return this.tooLate();
    this.write({ deed }).then(
      () => isLate() && this.tooLate(),
      (err: Error) => this.drop(err.message),
    );
  }

  private tooLate(): void {
    this.late = true;
    this.drop('told late');
  }

  /** What this process tells from here on is little, and lost if it dies: it is not missed as one that has died. */
  async leave(): Promise<void> {
    clearInterval(this.timer);
    await within(LEAVE_MS, this.write({ leaves: true })).catch(() => undefined);
  }

  /** The connections end with all others. */
  close(): void {
    clearInterval(this.timer);
    this.isClosed = true;
  }

  private async write(what: Pick<Told, 'deed' | 'leaves' | 'late'> = {}): Promise<string> {
    const text = JSON.stringify({ from: this.leases.id, n: ++this.n, ...what } satisfies Told);
    this.waiting.messages += 1;
    this.waiting.characters += text.length;
    // A large one counts at once, and for a while.
    this.usualSize = Math.max(this.usualSize * 0.999, Buffer.byteLength(text), 512);
    const most = Math.min(MAX_MESSAGES, Math.ceil(MAX_BYTES / this.usualSize));
    try {
      return (await this.writer.xadd(STREAM, 'MAXLEN', '~', most, '*', 'told', text))!;
    } catch (err) {
      if ((err as Error).message.startsWith('OOM')) this.makeRoom();
      throw err;
    } finally {
      this.waiting.messages -= 1;
      this.waiting.characters -= text.length;
    }
  }

  /** Redis is full, perhaps of this: nodes that are so far behind are to sync instead. */
  private makeRoom(): void {
    if (performance.now() - this.trimmedAt < TRIM_MS) return;
    this.trimmedAt = performance.now();
    const trim = async () => {
      const length = await this.writer.xlen(STREAM);
      await this.writer.xtrim(STREAM, 'MAXLEN', Math.floor(length / 2));
      logger.warn({ messages: Math.ceil(length / 2) }, 'redis is full: what was told first is given up');
    };
    trim().catch((err: Error) => logger.warn({ err: err.message }, 'redis is full'));
  }

  private drop(reason: string): void {
    if (this.isClosed) return;
    this.dropped.inc();
    if (this.untold++ > 0) return;
    logger.warn({ err: reason }, 'other nodes are not told; their devices are to sync');
    void this.admit();
  }

  /** What is not in the stream nobody misses: the others are told that there was something, once they can be. */
  private async admit(): Promise<void> {
    while (this.untold > 0 && !this.isClosed) {
      await sleep(ADMIT_MS, undefined, { ref: false });
      if (this.waiting.messages > MAX_WAITING.messages / 2) continue;
      if (this.waiting.characters > MAX_WAITING.characters / 2) continue;
      const { untold, late } = this;
      this.late = false;
      await this.write(late ? { late } : {}).then(
        () => (this.untold -= untold),
        () => (this.late ||= late),
      );
    }
  }

  private async read(): Promise<void> {
    while (!this.isClosed) {
      try {
        const { count, blockMs } = READ;
        const found = await this.reader.xread(
          'COUNT',
          count,
          'BLOCK',
          blockMs,
          'STREAMS',
          STREAM,
          this.offset,
        );
        for (const [offset, [, text]] of found?.[0]?.[1] ?? []) {
          this.offset = offset;
          this.take(JSON.parse(text!) as Told);
        }
      } catch (err) {
        if (!this.isClosed) logger.warn({ err: (err as Error).message }, 'other nodes are not heard');
        await sleep(RETRY_MS, undefined, { ref: false });
      }
    }
  }

  private take({ from, n, deed, leaves, late }: Told): void {
    if (from === this.leases.id) return void (late && this.onMissed());
    const last = this.heard.get(from);
    // Told again, since the connection broke before Redis's answer was there.
    if (last !== undefined && n <= last) return;
    this.heard.set(from, n);
    // What a Redis that has failed over to its replica had lost, or what its writer could not tell.
    if ((last !== undefined && n > last + 1) || (!deed && !leaves && n > 1)) this.onMissed();
    if (leaves) this.leaving.add(from);
    const sockets = this.local();
    if (!deed || !sockets) return;
    try {
      carryOut(deed, sockets);
    } catch (err) {
      logger.error({ err }, 'what another node told was not done');
    }
  }

  /** Who has died may have stored something, and acknowledged it, and not have told it. */
  private async lookForDead(): Promise<void> {
    for (const id of await this.leases.dead([...new Set([...this.before, ...this.heard.keys()])])) {
      this.before.delete(id);
      this.heard.delete(id);
      if (this.leaving.delete(id)) continue;
      logger.warn({ node: id }, 'a node has died; devices are to sync');
      this.onMissed();
    }
  }

  /** Redis is back, perhaps empty, or has gone on for longer than it keeps. */
  private async lookForGap(): Promise<void> {
    // It moves on while Redis is asked.
    const { offset } = this;
    const [first] = await this.reader.xrange(STREAM, '-', '+', 'COUNT', 1);
    const [last] = await this.reader.xrevrange(STREAM, '+', '-', 'COUNT', 1);
    // Another stream, by a clock that may be behind the old one's.
    if (!last || isAfter(offset, last[0])) this.offset = '0-0';
    if (!first || isAfter(first[0], offset) || isAfter(offset, last![0])) this.onMissed();
  }
}

/** Whether one id of a stream comes after another: `milliseconds-number`. */
function isAfter(one: string, other: string): boolean {
  const [ms, number] = one.split('-').map(Number) as [number, number];
  const [otherMs, otherNumber] = other.split('-').map(Number) as [number, number];
  return ms > otherMs || (ms === otherMs && number > otherNumber);
}
