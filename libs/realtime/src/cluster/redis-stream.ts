import { logFailure, logger, type RedisConnections } from '#platform';
import type { Redis } from 'ioredis';

const STREAM = 'service-platform:nodes';
/** The field of a message. It must not change: during an update, nodes of two versions read one stream. */
const FIELD = 'told';
/** Limit of messages that a node can miss and still catch up: about half a minute of a busy cluster. */
const MAX_MESSAGES = 100_000;
/** Limit of the stream's memory in Redis, bytes: a full Redis takes no jobs either. */
const MAX_BYTES = 64 * 1024 * 1024;
/** Minimum memory of a message there, bytes. */
const MIN_SIZE = 512;
/** The mean size of messages is over about so many, so that a single large message leaves the others in the stream. */
const MEAN_OF = 500;
/** How long a full Redis gets, ms, until more of the stream is deleted. */
const TRIM_MS = 1000;
/** Limit of messages per read, and how long a read waits for messages, ms. */
const READ = { count: 100, blockMs: 1000 };

/** The stream in Redis that all nodes write and read, bounded in length and memory. */
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

  /** Calls the listener whenever the stream can be read again; it may be another stream, or trimmed. */
  onBack(listener: () => void): void {
    this.reader.on('ready', listener);
  }

  /**
   * Adds a message as soon as Redis is connected. @returns its offset
   * @throws ReplyError (when Redis refuses it, as a full one does)
   */
  async add(text: string): Promise<string> {
    this.meanSize += (Math.max(Buffer.byteLength(text), MIN_SIZE) - this.meanSize) / MEAN_OF;
    const most = Math.min(MAX_MESSAGES, Math.ceil(MAX_BYTES / this.meanSize));
    try {
      return (await this.writer.xadd(STREAM, 'MAXLEN', '~', most, '*', FIELD, text))!;
    } catch (err) {
      if ((err as Error).message.startsWith('OOM')) this.trim();
      throw err;
    }
  }

  /** The next messages after an offset, in order; empty when none arrives within a second. */
  async after(offset: string): Promise<{ offset: string; text: string }[]> {
    const { count, blockMs } = READ;
    const found = await this.reader.xread('COUNT', count, 'BLOCK', blockMs, 'STREAMS', STREAM, offset);
    return (found?.[0]?.[1] ?? []).map(([offset, [, text]]) => ({ offset, text: text! }));
  }

  /** The first and last offset; undefined when the stream is empty. */
  async ends(): Promise<{ first: string; last: string } | undefined> {
    const [first] = await this.reader.xrange(STREAM, '-', '+', 'COUNT', 1);
    const [last] = await this.reader.xrevrange(STREAM, '+', '-', 'COUNT', 1);
    return first && last && { first: first[0], last: last[0] };
  }

  /** Called when Redis is full, perhaps because of this stream: nodes that are far behind will resync instead. */
  private trim(): void {
    if (performance.now() - this.trimmedAt < TRIM_MS) return;
    this.trimmedAt = performance.now();
    const trim = async () => {
      const length = await this.writer.xlen(STREAM);
      await this.writer.xtrim(STREAM, 'MAXLEN', Math.floor(length / 2));
      logger.warn({ messages: Math.ceil(length / 2) }, 'redis is full, oldest commands deleted');
    };
    trim().catch(logFailure('redis is full, trim failed'));
  }
}

/** Whether one offset comes after another: `milliseconds-number`. */
export function isAfter(one: string, other: string): boolean {
  const [ms, number] = one.split('-').map(Number) as [number, number];
  const [otherMs, otherNumber] = other.split('-').map(Number) as [number, number];
  return ms > otherMs || (ms === otherMs && number > otherNumber);
}
