import type { Redis } from 'ioredis';
import { logger } from '../observability/logging.js';
import type { RedisConnections } from '../redis/redis.js';

const STREAM = 'service-platform:nodes';
/** How much a node may have missed and still catch up, in messages: about half a minute of a busy cluster. */
const MAX_MESSAGES = 100_000;
/** What the stream may take of Redis's memory, bytes: one that is full takes no jobs either. */
const MAX_BYTES = 64 * 1024 * 1024;
/** The least that a message takes there, bytes. */
const MIN_SIZE = 512;
/** The mean size of messages is over about so many, so that a single large message leaves the others in the stream. */
const MEAN_OF = 500;
/** How long a Redis that was full has, ms, until more of the stream is given up. */
const TRIM_MS = 1000;
/** Messages that are read at once, and how long one read waits for some, ms. */
const READ = { count: 100, blockMs: 1000 };

/** The stream in Redis that all nodes write to and read, bounded in its length and in its memory. */
export class RedisStream {
  private readonly writer: Redis;
  private readonly reader: Redis;
  /** The moving mean size of this node's messages, bytes. */
  private meanSize = MIN_SIZE;
  private trimmedAt = -Infinity;

  constructor(redis: RedisConnections) {
    this.writer = redis.connect('publish node commands');
    this.reader = redis.connect('read node commands');
  }

  /** Calls the listener each time that the stream can be read again, perhaps another one or a part of it. */
  onBack(listener: () => void): void {
    this.reader.on('ready', listener);
  }

  /**
   * Adds a message, as soon as Redis is there. @returns its offset
   * @throws ReplyError when Redis refuses it, as a full one does
   */
  async add(text: string): Promise<string> {
    this.meanSize += (Math.max(Buffer.byteLength(text), MIN_SIZE) - this.meanSize) / MEAN_OF;
    const most = Math.min(MAX_MESSAGES, Math.ceil(MAX_BYTES / this.meanSize));
    try {
      return (await this.writer.xadd(STREAM, 'MAXLEN', '~', most, '*', 'told', text))!;
    } catch (err) {
      if ((err as Error).message.startsWith('OOM')) this.trim();
      throw err;
    }
  }

  /** The next messages after an offset, in order; none when there is none within a second. */
  async after(offset: string): Promise<{ offset: string; text: string }[]> {
    const { count, blockMs } = READ;
    const found = await this.reader.xread('COUNT', count, 'BLOCK', blockMs, 'STREAMS', STREAM, offset);
    return (found?.[0]?.[1] ?? []).map(([offset, [, text]]) => ({ offset, text: text! }));
  }

  /** The offsets between which it is now; nothing when it is empty. */
  async ends(): Promise<{ first: string; last: string } | undefined> {
    const [first] = await this.reader.xrange(STREAM, '-', '+', 'COUNT', 1);
    const [last] = await this.reader.xrevrange(STREAM, '+', '-', 'COUNT', 1);
    return first && last && { first: first[0], last: last[0] };
  }

  /** Redis is full, perhaps of this: nodes that are so far behind are to sync instead. */
  private trim(): void {
    if (performance.now() - this.trimmedAt < TRIM_MS) return;
    this.trimmedAt = performance.now();
    const trim = async () => {
      const length = await this.writer.xlen(STREAM);
      await this.writer.xtrim(STREAM, 'MAXLEN', Math.floor(length / 2));
      logger.warn({ messages: Math.ceil(length / 2) }, 'redis is full, oldest commands deleted');
    };
    trim().catch((err: Error) => logger.warn({ err: err.message }, 'redis is full, trim failed'));
  }
}

/** Whether one offset comes after another: `milliseconds-number`. */
export function isAfter(one: string, other: string): boolean {
  const [ms, number] = one.split('-').map(Number) as [number, number];
  const [otherMs, otherNumber] = other.split('-').map(Number) as [number, number];
  return ms > otherMs || (ms === otherMs && number > otherNumber);
}
