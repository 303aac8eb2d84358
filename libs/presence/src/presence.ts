import { type PresenceItem } from '#contracts';
import { notBlockedWith } from '#identity';
import {
  WORK,
  Batcher,
  Config,
  KeyedQueue,
  Metrics,
  Prisma,
  PrismaService,
  RedisConnections,
  logFailure,
} from '#platform';
import {
  EventPublisher,
  blockedTopic,
  followersTopic,
  friendsTopic,
  type Topic,
  watchersTopic,
} from '#realtime';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { MemoryPresenceStore } from './memory-presence-store.js';
import type { PresenceStore } from './presence-store.js';
import { RedisPresenceStore } from './redis-presence-store.js';

/** Below this many online users, everybody receives everybody's online state. */
const EVERYONE_BELOW = 500;

/**
 * Tracks which users are online. A user is online from the first connection until the last device has been disconnected
 * for PRESENCE_GRACE_MS. So a reconnect is not visible.
 */
@Injectable()
export class Presence implements OnApplicationShutdown {
  private readonly store: PresenceStore;
  private readonly lastSeen: Batcher<{ userId: string; at: Date }, void>;
  private readonly announcements = new KeyedQueue();

  constructor(
    private readonly prisma: PrismaService,
    private readonly publisher: EventPublisher,
    private readonly config: Config,
    metrics: Metrics,
    redis?: RedisConnections,
  ) {
    const { PRESENCE_GRACE_MS: graceMs } = config;
    this.store = redis?.shared ? new RedisPresenceStore(redis, graceMs) : new MemoryPresenceStore(graceMs);
    this.lastSeen = new Batcher((seen) => this.storeLastSeen(seen), {
      maxBatch: 1000,
      maxQueued: WORK.lookUps.most.lastVisits,
      onRefused: () => metrics.refuse(WORK.lookUps),
      intervalMs: 1000,
    });
  }

  /**
   * Publishes that users go offline or come back online, to their presence audience. Only a process that holds
   * connections knows it, so no other process may take over these users.
   */
  publishChanges(audienceOf: (userId: string) => Promise<Topic[]>): void {
    this.store.onOffline((userId, at) => this.announce(userId, false, at, () => audienceOf(userId)));
    this.store.onOnlineAgain((userId) => this.announce(userId, true, new Date(), () => audienceOf(userId)));
  }

  /** `audience`: the presence audience in addition to followers, friends and watchers, when not everybody receives it. */
  connected(userId: string, socketId: string, audience: Topic[]): void {
    this.store
      .enter(userId, socketId)
      .then((wasAway) => {
        if (wasAway) this.announce(userId, true, new Date(), () => Promise.resolve(audience));
      })
      .catch(logWarning);
  }

  disconnected(userId: string, socketId: string): void {
    this.store.leave(userId, socketId).catch(logWarning);
  }

  async withOnline<T extends { id: string }>(user: T): Promise<T & { online: boolean }> {
    return (await this.allWithOnline([user]))[0]!;
  }

  async allWithOnline<T extends { id: string }>(users: T[]): Promise<(T & { online: boolean })[]> {
    const present = await this.present(users.map(({ id }) => id));
    return users.map((user) => ({ ...user, online: present.has(user.id) }));
  }

  /**
   * The number of online users.
   * @throws AppError UNAVAILABLE (while Redis is unavailable)
   */
  onlineCount(): Promise<number> {
    return this.store.count();
  }

  /** The users among these who are online. */
  present(userIds: string[]): Promise<Set<string>> {
    return this.store.present(userIds);
  }

  /**
   * One item per requested id. Unknown users, banned users and users hidden from the reader by a block are offline and
   * never seen.
   */
  async items(readerId: string, userIds: string[]): Promise<PresenceItem[]> {
    const users = await this.prisma.$queryRaw<{ id: string; last_seen: Date | null }[]>`
      SELECT id, last_seen_at AS last_seen FROM users
      WHERE id = ANY(${userIds}::uuid[]) AND banned_at IS NULL AND ${notBlockedWith(readerId, Prisma.raw('users.id'))}`;
    const seen = new Map(users.map(({ id, last_seen }) => [id, last_seen]));
    const present = await this.present([...seen.keys()]);
    return userIds.map((id) => ({
      user_id: id,
      online: present.has(id),
      last_seen: seen.get(id)?.toISOString() ?? null,
    }));
  }

  async onApplicationShutdown(): Promise<void> {
    const at = new Date();
    const here = (await this.store.close().catch(() => [])).map((userId) => ({ userId, at }));
    if (here.length > 0) await this.storeLastSeen(here).catch(logFailure('storing last seen failed'));
    await this.lastSeen.drain();
  }

  /**
   * Publishes changes in the order in which they happened, even if finding the audience takes longer for one of them.
   */
  private announce(userId: string, online: boolean, at: Date, audienceOf: () => Promise<Topic[]>): void {
    this.lastSeen.add({ userId, at }).catch(logWarning);
    this.announcements.run(userId, () => this.publish(userId, online, at, audienceOf)).catch(logWarning);
  }

  private async publish(
    userId: string,
    online: boolean,
    at: Date,
    audienceOf: () => Promise<Topic[]>,
  ): Promise<void> {
    const around = [watchersTopic, followersTopic, friendsTopic].map((topic) => topic(userId));
    this.publisher.publish(
      (await this.reachesEveryone()) ? 'everyone' : [...(await audienceOf()), ...around],
      online ? 'user:online' : 'user:offline',
      { user_id: userId, online, last_seen: at.toISOString() },
      { except: [blockedTopic(userId)] },
    );
  }

  private async reachesEveryone(): Promise<boolean> {
    if (this.config.PRESENCE_AUDIENCE !== 'auto') return this.config.PRESENCE_AUDIENCE === 'everyone';
    // Unknown while Redis does not answer. The change must be published all the same, since nothing triggers it again.
    return (await this.onlineCount().catch(() => EVERYONE_BELOW)) < EVERYONE_BELOW;
  }

  private async storeLastSeen(seen: { userId: string; at: Date }[]): Promise<void[]> {
    const latest = new Map(seen.map(({ userId, at }) => [userId, at]));
    // In one lock order: another process may be storing the same users.
    await this.prisma.$executeRaw`
      WITH seen AS MATERIALIZED (
        SELECT u.id, s.at FROM users u
        JOIN unnest(${[...latest.keys()]}::uuid[], ${[...latest.values()].map((at) => at.toISOString())}::text[]::timestamptz[])
          AS s(id, at) ON s.id = u.id
        ORDER BY u.id FOR NO KEY UPDATE OF u
      )
      UPDATE users SET last_seen_at = GREATEST(last_seen_at, seen.at) FROM seen WHERE users.id = seen.id`;
    return seen.map(() => undefined);
  }
}

const logWarning = logFailure('presence update failed');
