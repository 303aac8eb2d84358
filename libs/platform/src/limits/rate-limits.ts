import { AppError } from '#contracts';
import { Injectable } from '@nestjs/common';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { RATES, SOCKETS, type Limit } from './budgets/index.js';
import { Config } from '../config/config.js';
import { MOST_ADDRESSES, networksAround } from '../http/client-address.js';
import { Metrics } from '../observability/metrics.js';
import { FAST_TIMEOUT_MS, RedisConnections } from '../redis/redis.js';
import { MemoryLimiter } from './memory-limiter.js';

/** The library's own script counts in whole seconds. */
const COUNT = `redis.call('SET', KEYS[1], 0, 'PX', math.ceil(ARGV[4] * 1000), 'NX')
  return { redis.call('INCRBY', KEYS[1], ARGV[1]), redis.call('PTTL', KEYS[1]) }`;

/** A user's events are counted across nodes in blocks of this size, so that not every event waits for Redis. */
const EVENT_BLOCK = 20;
/** An event counts as one more per so many bytes: reading them costs as much. */
const EVENT_BYTES = 4096;
/** By default, ten events that are too large are answered with MESSAGE_TOO_LARGE before RATE_LIMIT applies. */
const MAX_EVENT_POINTS = 60;
/** @param bytes on the wire; 64 KiB, the limit of an event, give less than a block */
export const pointsOfEvent = (bytes: number): number =>
  Math.min(1 + Math.floor(bytes / EVENT_BYTES), MAX_EVENT_POINTS);

/** Limits of a network and the wider ones around it: an attempt takes more points from the narrow network. */
const OF_NETWORKS = ['docs', 'signInNetwork', 'registration', 'badRefresh'] as const satisfies Limit[];
type NetworkLimit = (typeof OF_NETWORKS)[number];
type OtherLimit = Exclude<Limit, NetworkLimit>;

type Limiter = MemoryLimiter | RateLimiterRedis;

/** Rate limits by user, address or account (`budgets/`). */
@Injectable()
export class RateLimits {
  private readonly limiters: Record<Limit, Limiter>;
  /** Counts a user's events across nodes in blocks; each node also counts its own events exactly. */
  private readonly eventBlocks: Limiter;
  private readonly areShared: boolean;
  /** The newest block of each user that waits for the answer of Redis. */
  private readonly blocks = new Map<string, Promise<void>>();

  constructor(
    config: Config,
    redis: RedisConnections,
    private readonly metrics: Metrics,
  ) {
    this.areShared = Boolean(redis.shared);
    const storeClient = redis.shared && redis.connect('limits', { commandTimeout: FAST_TIMEOUT_MS });
    // Each limiter has its own memory: a prefix would have to be concatenated and hashed for every key.
    const here = (points: number, duration: number) => new MemoryLimiter({ points, duration, keyPrefix: '' });
    // Counted across nodes; while Redis is unavailable, by each node alone.
    const limiter = (points: number, duration: number, keyPrefix: string) =>
      storeClient
        ? new RateLimiterRedis({
            storeClient,
            points,
            duration,
            keyPrefix: `limit:${keyPrefix}`,
            customIncrTtlLuaScript: COUNT,
            insuranceLimiter: here(points, duration),
            rejectIfRedisNotReady: true,
          })
        : here(points, duration);
    this.limiters = Object.fromEntries(
      Object.entries(RATES).map(([name, { points, seconds, isOfNode }]) => {
        const times = OF_NETWORKS.includes(name as NetworkLimit) ? MOST_ADDRESSES : 1;
        return [name, (isOfNode ? here : limiter)(points(config) * times, seconds(config), name)];
      }),
    ) as Record<Limit, Limiter>;
    const { points, duration } = this.limiters.socketEvent;
    this.eventBlocks = limiter(points, duration, 'socketEvents');
  }

  /**
   * Takes points. A cost above the burst takes the whole burst, since it could otherwise never succeed. Call it before
   * the work begins.
   * @throws AppError RATE_LIMIT (with `retry_after_ms`)
   */
  async take(limit: OtherLimit, key: string, points = 1): Promise<void> {
    await this.consume(this.limiters[limit], limit, key, points);
  }

  /**
   * The narrowest network comes first: a refusal there takes nothing from its neighbours.
   * @throws AppError RATE_LIMIT (with `retry_after_ms`)
   */
  async takeOf(limit: NetworkLimit, network: string): Promise<void> {
    for (const { name, addresses } of networksAround(network))
      await this.consume(this.limiters[limit], limit, name, MOST_ADDRESSES / addresses);
  }

  /**
   * Counts an event of a user, over all sockets and nodes. Each node lets less than a block through beyond the limit.
   * @param points by `pointsOfEvent`
   * @throws AppError RATE_LIMIT (with `retry_after_ms`)
   */
  async takeEvent(userId: string, points: number): Promise<void> {
    const { consumedPoints } = await this.consume(this.limiters.socketEvent, 'socketEvent', userId, points);
    if (!this.areShared) return;
    if (consumedPoints % EVENT_BLOCK < points) this.startBlock(userId);
    // All events wait for the same promise: they stay in order, and a flood does not pass while Redis answers.
    await this.blocks.get(userId);
  }

  /** Whether a user keeps sending refused events: then their connections are closed. */
  async isFlooding(userId: string): Promise<boolean> {
    const { socketEvent } = this.limiters;
    const { consumedPoints = 0 } = (await socketEvent.get(userId)) ?? {};
    const isOver = consumedPoints > socketEvent.points + SOCKETS.refusedEvents.most;
    if (isOver) this.metrics.refuse(SOCKETS.refusedEvents);
    return isOver;
  }

  private startBlock(userId: string): void {
    const block = this.takeBlock(userId, this.blocks.get(userId));
    const forget = () => {
      if (this.blocks.get(userId) === block) this.blocks.delete(userId);
    };
    this.blocks.set(userId, block);
    block.then(forget, forget);
  }

  private async takeBlock(userId: string, before: Promise<void> | undefined): Promise<void> {
    await before;
    try {
      await this.consume(this.eventBlocks, 'socketEvent', userId, EVENT_BLOCK);
    } catch (refusal) {
      const { retryAfterMs } = refusal as AppError;
      if (retryAfterMs) await this.limiters.socketEvent.block(userId, retryAfterMs / 1000);
      throw refusal;
    }
  }

  private async consume(
    limiter: Limiter,
    limit: Limit,
    key: string,
    points: number,
  ): Promise<RateLimiterRes> {
    try {
      // For windows below a second, the library skips the script, and the window would never end.
      const options =
        limiter instanceof RateLimiterRedis && limiter.duration < 1 ? { customDuration: 1 } : {};
      return await limiter.consume(key, Math.min(points, limiter.points), options);
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      this.metrics.refuse({ refused: limit });
      const retryAfterMs = Math.max(1, Math.ceil(refusal.msBeforeNext));
      const seconds = Math.ceil(retryAfterMs / 1000);
      throw new AppError('RATE_LIMIT', `Too many requests, try again in ${seconds} s`, { retryAfterMs });
    }
  }

  /** Returns a point after a successful attempt. */
  async giveBack(limit: OtherLimit, key: string): Promise<void> {
    await this.limiters[limit].reward(key);
  }

  /** The same for a network. */
  async giveBackTo(limit: NetworkLimit, network: string): Promise<void> {
    for (const { name, addresses } of networksAround(network))
      await this.limiters[limit].reward(name, MOST_ADDRESSES / addresses);
  }
}
