import {
  DependencyUnavailable,
  FAST_TIMEOUT_MS,
  inParts,
  logFailure,
  retry,
  type RedisConnections,
} from '#platform';
import type { Redis } from 'ioredis';
import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { PresenceStore } from './presence-store.js';

/** A device's lease, ms. The death of a node is noticed when the leases of its devices expire. */
const LEASE_MS = 30_000;
const RENEW_MS = 10_000;
/** Interval of the check for expired users, ms. */
const LOOK_MS = 250;
/** How long a node's claimed users are kept after its last call, ms. If the node has died, clients sync. */
const FORGET_MS = 600_000;
/** Limit of users, or devices, per script call. */
const MAX_BATCH = 1000;

/** All online users, scored by the time at which they go offline unless renewed. */
const USERS = 'presence:users';
/** A user's devices, scored by the expiry of their leases. */
const devicesOf = (userId: string) => `presence:devices:${userId}`;

/** Scripts, since each decides on data that it reads. They use Redis's time: the clocks of nodes may differ. */
const NOW = `local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)`;
const ENTER = `${NOW}
  local before = redis.call('ZSCORE', KEYS[1], ARGV[1])
  redis.call('ZADD', KEYS[2], now + ARGV[3], ARGV[2])
  redis.call('PEXPIRE', KEYS[2], ARGV[3] * 2)
  redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
  return before and 0 or 1`;
/**
 * For many devices: the arguments alternate between user and device. When Redis was emptied, it does not know the
 * device. Its user then gets a lease that expires: otherwise nobody would be notified that the user has gone offline.
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
/** Also for many devices. Returns the users who were offline: those of a node that could not renew its leases. */
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
 * Moves users whose leases have expired from all users to the users claimed by this node, and returns the claimed
 * users. They stay there until the next call confirms that they were published, so a lost answer is repeated. A user
 * who has come back is dropped from the claims. The script removes before it adds: a full Redis only lets a script
 * continue that has already written.
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
 * The store of several nodes. Each device holds a lease, which its node renews. A user goes offline when all leases
 * have expired: after the grace time when the devices left, or because their node died. Exactly one node claims and
 * publishes each such user.
 */
export class RedisPresenceStore implements PresenceStore {
  private readonly redis: Redis;
  /** This node's devices and their users that Redis knows, or is yet to receive. */
  private readonly here = new Map<string, string>();
  private readonly entering = new Map<string, string>();
  /** Devices that left while Redis was unavailable: it is yet to be updated. */
  private readonly left = new Map<string, string>();
  /** The Redis key of the users claimed by this node, scored by the time at which they went offline. */
  private readonly gone = `presence:gone:${randomUUID()}`;
  /** Users published as offline, without a confirmation to Redis yet. */
  private unconfirmed: string[] = [];
  private isLooking = false;
  private reconnected?: Promise<void>;
  private notifyOffline: (userId: string, at: Date) => void = () => undefined;
  private notifyOnlineAgain: (userId: string) => void = () => undefined;
  /** When the last answered renewal began, and whether a later one was sent without an answer. */
  private renewedAt = performance.now();
  private isRenewalLost = false;
  private readonly timers: NodeJS.Timeout[];

  /** @param graceMs how long a user without a device stays online */
  constructor(
    connections: RedisConnections,
    private readonly graceMs: number,
  ) {
    this.redis = connections.connect('presence', {
      commandTimeout: FAST_TIMEOUT_MS,
      // A resent script whose first answer was lost would find its own write: the user would seem to have been online.
      autoResendUnfulfilledCommands: false,
    });
    this.timers = [setInterval(() => void this.renew().catch(logWarning), RENEW_MS)];
    // Redis may have lost its data.
    this.redis.on('ready', () => void this.renew().catch(logWarning));
  }

  async enter(userId: string, deviceId: string): Promise<boolean> {
    this.entering.set(deviceId, userId);
    let failed = false;
    const enter = async () => {
      if (!this.entering.has(deviceId)) return undefined;
      await this.connected();
      return this.redis.eval(ENTER, 2, USERS, devicesOf(userId), userId, deviceId, LEASE_MS);
    };
    // A Redis that refuses at once, such as a full one, would be called in a tight loop without pauses.
    const first = await retry(enter, (err) => {
      failed = true;
      logWarning(err);
    });
    if (first === undefined) return false;
    const stays = this.entering.delete(deviceId);
    this.here.set(deviceId, userId);
    if (!stays) await this.leave(userId, deviceId);
    // An earlier call without an answer may have been executed. Then this one found what that one had stored.
    return failed || first === 1;
  }

  /** While Redis is unavailable, it is updated later. */
  async leave(userId: string, deviceId: string): Promise<void> {
    if (this.entering.delete(deviceId) || !this.here.delete(deviceId)) return;
    this.left.set(deviceId, userId);
    if (!this.isDisconnected) await this.releaseLeases([[deviceId, userId]]).catch(logWarning);
  }

  /** While Redis is unavailable: only users of this node. */
  async present(userIds: string[]): Promise<Set<string>> {
    if (userIds.length === 0) return new Set();
    const scores = this.isDisconnected
      ? undefined
      : await this.redis.zmscore(USERS, ...userIds).catch(logWarning);
    const asked = new Set(userIds.filter((_, i) => !scores || scores[i] !== null));
    return scores ? asked : new Set(this.users().filter((id) => asked.has(id)));
  }

  /** @throws AppError UNAVAILABLE (while Redis is unavailable) */
  async count(): Promise<number> {
    if (this.isDisconnected) throw new DependencyUnavailable();
    return this.redis.zcard(USERS);
  }

  onOffline(listener: (userId: string, at: Date) => void): void {
    this.notifyOffline = listener;
    this.timers.push(setInterval(() => void this.claimOffline().catch(logWarning), LOOK_MS));
  }

  onOnlineAgain(listener: (userId: string) => void): void {
    this.notifyOnlineAgain = listener;
  }

  async close(): Promise<string[]> {
    for (const timer of this.timers) clearInterval(timer);
    const users = [...new Set(this.users())];
    this.entering.clear();
    // The devices reconnect to another node within the grace time, or their users go offline after it.
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
    // A renewal without an answer may have been executed, and restored users who were published as offline.
    const areAllBack = this.isRenewalLost && begun - this.renewedAt > LEASE_MS;
    this.isRenewalLost = true;
    for (const part of inParts([...this.here], MAX_BATCH)) {
      // Some devices left while earlier batches were renewed.
      const batch = part.filter(([deviceId]) => this.here.has(deviceId));
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
    // Only after pending `enter` calls, some of which retry: a connected user must not be found offline.
    await turn();
    for (const part of inParts([...this.left], MAX_BATCH)) await this.releaseLeases(part);
  }

  private async releaseLeases(devices: [deviceId: string, userId: string][]): Promise<void> {
    await this.redis.eval(LEAVE, 2, devicesOf(''), USERS, this.graceMs, ...asArguments(devices));
    for (const [deviceId] of devices) this.left.delete(deviceId);
  }

  private async claimOffline(): Promise<void> {
    // A concurrent check would find the same users twice.
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
}

const asArguments = (devices: [deviceId: string, userId: string][]) =>
  devices.flatMap(([deviceId, userId]) => [userId, deviceId]);

const logWarning = logFailure('presence store failed');
