import { FAST_TIMEOUT_MS, logger, unavailable, type RedisConnections } from '#platform';
import type { Redis } from 'ioredis';
import { randomUUID } from 'node:crypto';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import type { PresenceStore } from './presence-store.js';

/** A device's lease, ms: a node that died is noticed when its devices' leases are over. */
const LEASE_MS = 30_000;
const RENEW_MS = 10_000;
/** How often it is looked whose time is over, ms. */
const LOOK_MS = 250;
/** How long it is known what a node was to tell of, ms, after it has last asked: others sync when it has died. */
const FORGET_MS = 600_000;
/** Before Redis is told again of a device that it did not take, ms. */
const RETRY_MS = 1000;
/** The most users, or devices, that one script speaks of. */
const MAX_BATCH = 1000;

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
/**
 * For many devices: users and devices in turn. Whose device is not known any more, since Redis has been emptied, gets
 * a lease that ends: without one nobody would be told that they have gone.
 */
const LEAVE = `${NOW}
  for i = 2, #ARGV, 2 do
    local key = KEYS[1] .. ARGV[i]
    local known = redis.call('ZREM', key, ARGV[i + 1]) == 1
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
    local ends = last[2] or now + ARGV[1]
    if known then redis.call('ZADD', KEYS[2], 'XX', ends, ARGV[i]) else redis.call('ZADD', KEYS[2], ends, ARGV[i]) end
  end`;
/** For many devices, too. Returns the users who were away, as those of a node are that could not renew. */
const RENEW = `${NOW}
  local back = {}
  for i = 2, #ARGV, 2 do
    local key = KEYS[1] .. ARGV[i]
    redis.call('ZADD', key, now + ARGV[1], ARGV[i + 1])
    redis.call('PEXPIRE', key, ARGV[1] * 2)
    if redis.call('ZADD', KEYS[2], now + ARGV[1], ARGV[i]) == 1 then table.insert(back, ARGV[i]) end
  end
  return back`;
/**
 * Takes those whose time is over from all users to those that this node is to tell of, and returns the latter. They stay
 * there until the next call says that they were told: an answer that did not come is given again. Who has come back
 * meanwhile is not away. It removes before it adds, since a full Redis only lets a script that has written go on.
 */
const CLAIM_OFFLINE = `${NOW}
  if #ARGV > 2 then redis.call('ZREM', KEYS[2], unpack(ARGV, 3)) end
  if redis.call('EXISTS', KEYS[2]) == 0 then
    local over = redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[1], 'WITHSCORES')
    for i = 1, #over, 2 do
      redis.call('ZREM', KEYS[1], over[i])
      redis.call('ZADD', KEYS[2], over[i + 1], over[i])
    end
  end
  local gone = redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES')
  for i = 1, #gone, 2 do
    if redis.call('ZSCORE', KEYS[1], gone[i]) then redis.call('ZREM', KEYS[2], gone[i]) end
  end
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
  return redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES')`;

/**
 * The store of several nodes. Each device holds a lease, which its node renews; a user whose leases are over is away,
 * whether the devices left, and the grace time is over, or their node died. One node finds each of them, and tells.
 */
export class RedisPresenceStore implements PresenceStore {
  private readonly redis: Redis;
  /** This node's devices and their users: those that Redis knows, and those that it is to be told of. */
  private readonly here = new Map<string, string>();
  private readonly entering = new Map<string, string>();
  /** Those that left while Redis was away: it is to be told of them. */
  private readonly left = new Map<string, string>();
  /** The key in Redis of those who have gone away and this node is to tell of, by when they did. */
  private readonly gone = `presence:gone:${randomUUID()}`;
  /** Those told to be away, which Redis is not known to have heard yet. */
  private unconfirmed: string[] = [];
  private isLooking = false;
  private reconnected?: Promise<void>;
  private notifyOffline: (userId: string, at: Date) => void = () => undefined;
  private notifyOnlineAgain: (userId: string) => void = () => undefined;
  /** When the last renewal began whose answer came, and whether one has been sent since that had none. */
  private renewedAt = performance.now();
  private isRenewalLost = false;
  private readonly timers: NodeJS.Timeout[];

  /** @param graceMs how long somebody without a device is not away yet */
  constructor(
    connections: RedisConnections,
    private readonly graceMs: number,
  ) {
    this.redis = connections.connect('presence', {
      commandTimeout: FAST_TIMEOUT_MS,
      // A script whose answer was lost, sent again, finds what it has done itself: that somebody was there before.
      autoResendUnfulfilledCommands: false,
    });
    this.timers = [
      setInterval(() => void this.attempt(() => this.renew()), RENEW_MS),
      setInterval(() => void this.attempt(() => this.claimOffline()), LOOK_MS),
    ];
    // Redis may be back empty.
    this.redis.on('ready', () => void this.attempt(() => this.renew()));
  }

  async enter(userId: string, deviceId: string): Promise<boolean> {
    this.entering.set(deviceId, userId);
    let failed = false;
    while (this.entering.has(deviceId)) {
      await this.connected();
      const keys = [USERS, devicesOf(userId)];
      const first = await this.redis.eval(ENTER, 2, ...keys, userId, deviceId, LEASE_MS).catch(logWarning);
      if (first === undefined) {
        failed = true;
        // One that refuses it at once, such as a full one, would be asked without a pause.
        await sleep(RETRY_MS, undefined, { ref: false });
        continue;
      }
      const stays = this.entering.delete(deviceId);
      this.here.set(deviceId, userId);
      if (!stays) await this.leave(userId, deviceId);
      // One whose answer did not come may have been carried out: then this one found what that one had stored.
      return failed || first === 1;
    }
    return false;
  }

  /** While Redis is away it is told later. */
  async leave(userId: string, deviceId: string): Promise<void> {
    if (this.entering.delete(deviceId) || !this.here.delete(deviceId)) return;
    this.left.set(deviceId, userId);
    if (!this.isDisconnected) await this.attempt(() => this.releaseLeases([[deviceId, userId]]));
  }

  /** While Redis is away: those who are here. */
  async present(userIds: string[]): Promise<Set<string>> {
    if (userIds.length === 0) return new Set();
    const scores = this.isDisconnected
      ? undefined
      : await this.redis.zmscore(USERS, ...userIds).catch(logWarning);
    const asked = new Set(userIds.filter((_, i) => !scores || scores[i] !== null));
    return scores ? asked : new Set(this.users().filter((id) => asked.has(id)));
  }

  /** @throws Error while Redis is away */
  async count(): Promise<number> {
    if (this.isDisconnected) throw unavailable();
    return this.redis.zcard(USERS);
  }

  onOffline(listener: (userId: string, at: Date) => void): void {
    this.notifyOffline = listener;
  }

  onOnlineAgain(listener: (userId: string) => void): void {
    this.notifyOnlineAgain = listener;
  }

  async close(): Promise<string[]> {
    for (const timer of this.timers) clearInterval(timer);
    const users = [...new Set(this.users())];
    this.entering.clear();
    // Their devices come back to another node within the grace time, or are away after it.
    await Promise.all([...this.here].map(([deviceId, userId]) => this.leave(userId, deviceId)));
    return users;
  }

  private get isDisconnected(): boolean {
    return this.redis.status !== 'ready';
  }

  private connected(): Promise<void> {
    if (!this.isDisconnected) return Promise.resolve();
    return (this.reconnected ??= new Promise((resolve) =>
      this.redis.once('ready', () => {
        this.reconnected = undefined;
        resolve();
      }),
    ));
  }

  private users(): string[] {
    return [...this.here.values(), ...this.entering.values()];
  }

  private async renew(): Promise<void> {
    if (this.isDisconnected) return;
    const begun = performance.now();
    // A renewal whose answer did not come may have been carried out, and have put back whoever had been told away.
    const areAllBack = this.isRenewalLost && begun - this.renewedAt > LEASE_MS;
    const devices = [...this.here];
    this.isRenewalLost = true;
    for (let i = 0; i < devices.length; i += MAX_BATCH) {
      // Some have left while those before them were renewed.
      const batch = devices.slice(i, i + MAX_BATCH).filter(([deviceId]) => this.here.has(deviceId));
      const back = (await this.redis.eval(
        RENEW,
        2,
        devicesOf(''),
        USERS,
        LEASE_MS,
        ...asArguments(batch),
      )) as string[];
      for (const userId of areAllBack ? new Set(batch.map(([, id]) => id)) : back)
        this.notifyOnlineAgain(userId);
    }
    this.isRenewalLost = false;
    this.renewedAt = begun;
    // After those who have waited to enter, some of them again: who is here is not to be found away.
    await turn();
    const left = [...this.left];
    for (let i = 0; i < left.length; i += MAX_BATCH) await this.releaseLeases(left.slice(i, i + MAX_BATCH));
  }

  private async releaseLeases(devices: [deviceId: string, userId: string][]): Promise<void> {
    await this.redis.eval(LEAVE, 2, devicesOf(''), USERS, this.graceMs, ...asArguments(devices));
    for (const [deviceId] of devices) this.left.delete(deviceId);
  }

  private async claimOffline(): Promise<void> {
    // A second look would find those again whom the first one finds.
    if (this.isDisconnected || this.isLooking) return;
    this.isLooking = true;
    try {
      const args = [MAX_BATCH, FORGET_MS, ...this.unconfirmed];
      const found = (await this.redis.eval(CLAIM_OFFLINE, 2, USERS, this.gone, ...args)) as string[];
      this.unconfirmed = found.filter((_, i) => i % 2 === 0);
      for (let i = 0; i < found.length; i += 2)
        this.notifyOffline(found[i]!, new Date(Number(found[i + 1]) - this.graceMs));
    } finally {
      this.isLooking = false;
    }
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (err) {
      logWarning(err as Error);
    }
  }
}

/** As scripts take them. */
const asArguments = (devices: [deviceId: string, userId: string][]) =>
  devices.flatMap(([deviceId, userId]) => [userId, deviceId]);

function logWarning(err: Error): undefined {
  logger.warn({ err: err.message }, 'presence store failed');
}
