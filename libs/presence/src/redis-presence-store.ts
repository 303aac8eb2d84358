import { logger, unavailable } from '#platform';
import type { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PresenceStore } from './presence-store.js';

/** A device's lease, ms: a node that died is noticed when its devices' leases are over. */
const LEASE_MS = 30_000;
const RENEW_MS = 10_000;
/** How often it is looked whose time is over, ms. */
const LOOK_MS = 250;
/** Before Redis is told again of a device that it did not take, ms. */
const RETRY_MS = 1000;
/** The most users who are found to be away at once. */
const MAX_AWAY = 1000;

/** All users who are not away, by when they will be unless something happens. */
const USERS = 'presence:users';
/** A user's devices, by when their leases end. */
const devicesOf = (userId: string) => `presence:devices:${userId}`;

/** Scripts, since each is a decision on what it reads. Times are Redis's own: nodes' clocks may differ. */
const NOW = `local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)`;
const ENTER = `${NOW}
  local before = redis.call('ZSCORE', KEYS[1], ARGV[1])
  redis.call('ZADD', KEYS[2], now + ARGV[3], ARGV[2])
  redis.call('PEXPIRE', KEYS[2], ARGV[3] * 2)
  redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
  return before and 0 or 1`;
const LEAVE = `${NOW}
  if redis.call('ZREM', KEYS[2], ARGV[2]) == 0 then return 0 end
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
  local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')
  redis.call('ZADD', KEYS[1], 'XX', last[2] or now + ARGV[3], ARGV[1])
  return 1`;
/** One script for all of a node's devices: users and devices in turn. */
const RENEW = `${NOW}
  for i = 2, #ARGV, 2 do
    local key = KEYS[1] .. ARGV[i]
    redis.call('ZADD', key, now + ARGV[1], ARGV[i + 1])
    redis.call('PEXPIRE', key, ARGV[1] * 2)
    redis.call('ZADD', KEYS[2], now + ARGV[1], ARGV[i])
  end`;
const TAKE_AWAY = `${NOW}
  local gone = redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[1], 'WITHSCORES')
  for i = 1, #gone, 2 do redis.call('ZREM', KEYS[1], gone[i]) end
  return gone`;

/**
 * The store of several nodes. Each device holds a lease, which its node renews; a user whose leases are over is away,
 * whether the devices left, and the grace time is over, or their node died. One node finds each of them, and tells.
 */
export class RedisPresenceStore implements PresenceStore {
  /** This node's devices and their users: those that Redis knows, and those that it is to be told of. */
  private readonly here = new Map<string, string>();
  private readonly entering = new Map<string, string>();
  private back?: Promise<void>;
  private tell: (userId: string, at: Date) => void = () => undefined;
  private readonly timers: NodeJS.Timeout[];

  constructor(
    private readonly redis: Redis,
    private readonly graceMs: number,
  ) {
    this.timers = [
      setInterval(() => void this.attempt(() => this.renew()), RENEW_MS),
      setInterval(() => void this.attempt(() => this.lookForAway()), LOOK_MS),
    ];
    // Redis may be back empty.
    redis.on('ready', () => void this.attempt(() => this.renew()));
  }

  async enter(userId: string, deviceId: string): Promise<boolean> {
    this.entering.set(deviceId, userId);
    while (this.entering.has(deviceId)) {
      await this.isThere();
      const keys = [USERS, devicesOf(userId)];
      const first = await this.redis.eval(ENTER, 2, ...keys, userId, deviceId, LEASE_MS).catch(complain);
      if (first === undefined) {
        // One that refuses it at once, such as a full one, would be asked without a pause.
        await sleep(RETRY_MS, undefined, { ref: false });
        continue;
      }
      const stays = this.entering.delete(deviceId);
      this.here.set(deviceId, userId);
      if (!stays) await this.leave(userId, deviceId);
      return first === 1;
    }
    return false;
  }

  /** While Redis is away the lease says it, later. */
  async leave(userId: string, deviceId: string): Promise<void> {
    if (this.entering.delete(deviceId) || !this.here.delete(deviceId) || this.isAway) return;
    await this.redis.eval(LEAVE, 2, USERS, devicesOf(userId), userId, deviceId, this.graceMs);
  }

  /** While Redis is away: those who are here. */
  async present(userIds: string[]): Promise<Set<string>> {
    if (userIds.length === 0) return new Set();
    const scores = this.isAway ? undefined : await this.redis.zmscore(USERS, ...userIds).catch(complain);
    const asked = new Set(userIds.filter((_, i) => !scores || scores[i] !== null));
    return scores ? asked : new Set(this.users().filter((id) => asked.has(id)));
  }

  /** @throws Error while Redis is away */
  async count(): Promise<number> {
    if (this.isAway) throw unavailable();
    return this.redis.zcard(USERS);
  }

  onAway(listener: (userId: string, at: Date) => void): void {
    this.tell = listener;
  }

  async close(): Promise<string[]> {
    for (const timer of this.timers) clearInterval(timer);
    const users = [...new Set(this.users())];
    this.entering.clear();
    // Their devices come back to another node within the grace time, or are away after it.
    await Promise.all([...this.here].map(([deviceId, userId]) => this.leave(userId, deviceId)));
    return users;
  }

  private get isAway(): boolean {
    return this.redis.status !== 'ready';
  }

  private isThere(): Promise<void> {
    if (!this.isAway) return Promise.resolve();
    return (this.back ??= new Promise((resolve) =>
      this.redis.once('ready', () => {
        this.back = undefined;
        resolve();
      }),
    ));
  }

  private users(): string[] {
    return [...this.here.values(), ...this.entering.values()];
  }

  private async renew(): Promise<void> {
    if (this.isAway) return;
    const devices = [...this.here];
    for (let i = 0; i < devices.length; i += MAX_AWAY) {
      const batch = devices.slice(i, i + MAX_AWAY).flatMap(([deviceId, userId]) => [userId, deviceId]);
      await this.redis.eval(RENEW, 2, devicesOf(''), USERS, LEASE_MS, ...batch);
    }
  }

  private async lookForAway(): Promise<void> {
    if (this.isAway) return;
    const found = (await this.redis.eval(TAKE_AWAY, 1, USERS, MAX_AWAY)) as string[];
    for (let i = 0; i < found.length; i += 2)
      this.tell(found[i]!, new Date(Number(found[i + 1]) - this.graceMs));
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (err) {
      complain(err as Error);
    }
  }
}

function complain(err: Error): undefined {
  logger.warn({ err: err.message }, 'presence not kept');
}
