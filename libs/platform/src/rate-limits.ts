import { AppError } from '#contracts';
import { Injectable } from '@nestjs/common';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { Config } from './config.js';
import { Metrics } from './metrics.js';
import { HURRY_MS, RedisConnections } from './redis.js';

/** The library's own script counts in whole seconds. */
const COUNT = `redis.call('SET', KEYS[1], 0, 'PX', math.ceil(ARGV[4] * 1000), 'NX')
  return { redis.call('INCRBY', KEYS[1], ARGV[1]), redis.call('PTTL', KEYS[1]) }`;

/** Seconds. */
const DAY = 24 * 3600;

type Limit =
  | 'message'
  | 'socketEvent'
  | 'socketEvents'
  | 'signIn'
  | 'signInAccount'
  | 'signInNetwork'
  | 'registration'
  | 'badRefresh'
  | 'assistant'
  | 'assistantDay'
  | 'restWrite'
  | 'read'
  | 'search'
  | 'group'
  | 'groupAdd'
  | 'friendRequest'
  | 'mention'
  | 'directChat'
  | 'typing'
  | 'like'
  | 'tie'
  | 'profile'
  | 'post'
  | 'comment'
  | 'service';

/** Of a user's events so many are counted at once for all nodes: not each is to wait for Redis. */
const EVENT_BLOCK = 20;
/** An event of so many bytes counts as one more: to read it costs as much. */
const EVENT_BYTES = 4096;
/** By default a client is told ten times that what it sends is too large, and only then that it is too much. */
const MAX_EVENT_POINTS = 60;
/** @param bytes on the wire; of 64 KiB, as an event has at most, less than a block */
export const pointsOfEvent = (bytes: number): number =>
  Math.min(1 + Math.floor(bytes / EVENT_BYTES), MAX_EVENT_POINTS);

/** Of a user's events so many may be refused until the limit's window is over: to refuse one costs work, too. */
const MAX_REFUSED_EVENTS = 5000;

/** The contract's default limits ("Environment"). A window of burst / rate seconds gives the rate and allows the burst. */
@Injectable()
export class RateLimits {
  private readonly limiters;
  private readonly areShared: boolean;
  /** Each user's newest block of events that Redis is being asked for. */
  private readonly blocks = new Map<string, Promise<void>>();

  constructor(
    config: Config,
    redis: RedisConnections,
    private readonly metrics: Metrics,
  ) {
    this.areShared = Boolean(redis.shared);
    const storeClient = redis.shared && redis.connect('limits', { commandTimeout: HURRY_MS });
    // Each has a memory of its own: a prefix to every key would only have to be put together and hashed.
    const here = (points: number, duration: number) =>
      new RateLimiterMemory({ points, duration, keyPrefix: '' });
    // Counted for all nodes together; while Redis is away by each of them alone.
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
    this.limiters = {
      /** Key: user id. */
      message: limiter(config.MESSAGE_BURST, config.MESSAGE_BURST / config.MESSAGE_RATE, 'message'),
      /** Key: user id. Of all nodes in blocks, of this one exactly. */
      socketEvents: limiter(config.SOCKET_EVENT_RATE * 10, 10, 'socketEvents'),
      socketEvent: here(config.SOCKET_EVENT_RATE * 10, 10),
      /** Key: network and account. */
      signIn: limiter(config.SIGN_IN_RATE, 60, 'signIn'),
      /** Of strangers to the account, from all networks. Key: account. */
      signInAccount: limiter(config.SIGN_IN_RATE * 2, 60, 'signInAccount'),
      /** Of strangers to any account. Key: network. */
      signInNetwork: limiter(config.SIGN_IN_RATE * 6, 60, 'signInNetwork'),
      /** Key: network. */
      registration: limiter(config.REGISTRATION_RATE, 3600, 'registration'),
      /** Of tokens that this server has not made. Key: network. */
      badRefresh: limiter(config.REST_WRITE_RATE, 1, 'badRefresh'),
      /** Key: user id. */
      assistant: limiter(config.ASSISTANT_RATE, 60, 'assistant'),
      /** Answers cost the operator money. */
      assistantDay: limiter(config.ASSISTANT_RATE * 25, DAY, 'assistantDay'),
      /** Key: user id; of a refresh, session id. */
      restWrite: limiter(config.REST_WRITE_RATE, 1, 'restWrite'),
      /** Key: user id. */
      read: limiter(config.READ_RATE * 10, 10, 'read'),
      /** Key: user id. */
      search: limiter(config.SEARCH_RATE * 10, 10, 'search'),
      /** New groups. Key: user id, as of the following. */
      group: limiter(config.REACH_RATE, 60, 'group'),
      /** People added to groups, each time. */
      groupAdd: limiter(config.REACH_RATE * 40, DAY, 'groupAdd'),
      friendRequest: limiter(config.REACH_RATE * 2, DAY, 'friendRequest'),
      mention: limiter(config.REACH_RATE * 8, DAY, 'mention'),
      directChat: limiter(config.REACH_RATE, DAY, 'directChat'),
      /** Starts of typing: all members hear them, as followers hear likes and new names. */
      typing: limiter(Math.ceil(config.SOCKET_EVENT_RATE / 2), 10, 'typing'),
      /** Likes set and taken back. */
      like: limiter(config.REACH_RATE, 60, 'like'),
      /** New names, handles and pictures. */
      profile: limiter(config.REACH_RATE, 3600, 'profile'),
      /** Follows and blocks, and their ends: each looks up the rooms of all the user's devices. */
      tie: limiter(config.REACH_RATE, 60, 'tie'),
      /** Reposts too. */
      post: limiter(config.REACH_RATE * 4, DAY, 'post'),
      comment: limiter(config.REACH_RATE * 16, DAY, 'comment'),
      service: limiter(config.REACH_RATE * 4, DAY, 'service'),
    };
  }

  /**
   * What costs more than may come at once costs all of that: it would otherwise never be done, however long one waits.
   * @throws AppError RATE_LIMIT with retry_after_ms; nothing may have been done before it is asked
   */
  async take(limit: Limit, key: string, points = 1): Promise<void> {
    await this.consume(limit, key, points);
  }

  /**
   * An event of a user, over all sockets and nodes. Each node lets less than a block through beyond the limit.
   * @param points by `pointsOfEvent`
   * @throws AppError RATE_LIMIT with retry_after_ms
   */
  async takeEvent(userId: string, points: number): Promise<void> {
    const { consumedPoints } = await this.consume('socketEvent', userId, points);
    if (!this.areShared) return;
    if (consumedPoints % EVENT_BLOCK < points) this.startBlock(userId);
    // All wait for the same promise, so that events stay in their order; nor does a flood pass while Redis is asked.
    await this.blocks.get(userId);
  }

  /** Whether a user goes on sending events that are refused: then their connections end. */
  async isFlooding(userId: string): Promise<boolean> {
    const { socketEvent } = this.limiters;
    const { consumedPoints = 0 } = (await socketEvent.get(userId)) ?? {};
    const isOver = consumedPoints > socketEvent.points + MAX_REFUSED_EVENTS;
    if (isOver) this.metrics.refused.inc({ budget: 'refusedEvents' });
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
      await this.consume('socketEvents', userId, EVENT_BLOCK);
    } catch (refusal) {
      const { retryAfterMs } = refusal as AppError;
      if (retryAfterMs) await this.limiters.socketEvent.block(userId, retryAfterMs / 1000);
      throw refusal;
    }
  }

  private async consume(limit: Limit, key: string, points: number): Promise<RateLimiterRes> {
    try {
      const limiter = this.limiters[limit];
      // For a window below a second the library does not run the script, and the window would never end.
      const options =
        limiter instanceof RateLimiterRedis && limiter.duration < 1 ? { customDuration: 1 } : {};
      return await limiter.consume(key, Math.min(points, limiter.points), options);
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      this.metrics.refused.inc({ budget: limit });
      const retryAfterMs = Math.max(1, Math.ceil(refusal.msBeforeNext));
      const seconds = Math.ceil(retryAfterMs / 1000);
      throw new AppError('RATE_LIMIT', `Too many requests, try again in ${seconds} s`, { retryAfterMs });
    }
  }

  /** What was taken has turned out to be well spent. */
  async giveBack(limit: Limit, key: string): Promise<void> {
    await this.limiters[limit].reward(key);
  }
}
