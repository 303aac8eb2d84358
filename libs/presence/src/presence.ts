import { cutRoom, followersRoom, friendsRoom, watchersRoom, type PresenceItem } from '#contracts';
import { notBlockedWith } from '#identity';
import { Batcher, Config, Prisma, PrismaService, RealtimeEmitter, logger } from '#platform';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';

/** Up to here everybody hears of everybody (contract, "Presence"). */
const EVERYONE_BELOW = 500;

/**
 * Who is connected. A user is online from the first device's connection until the last one has been gone for
 * PRESENCE_GRACE_MS, so that a reconnect shows no flicker.
 */
@Injectable()
export class Presence implements OnApplicationShutdown {
  private readonly devices = new Map<string, Set<string>>();
  private readonly leaving = new Map<string, NodeJS.Timeout>();
  private readonly lastSeen: Batcher<{ userId: string; at: Date }, void>;

  constructor(
    private readonly prisma: PrismaService,
    private readonly emitter: RealtimeEmitter,
    private readonly config: Config,
  ) {
    this.lastSeen = new Batcher((seen) => this.storeLastSeen(seen), {
      maxBatch: 1000,
      maxQueued: 100_000,
      intervalMs: 1000,
    });
  }

  /** `rooms`: who hears of it when not everybody does, beside followers, friends and watchers. */
  connected(userId: string, socketId: string, rooms: string[]): void {
    const devices = this.devices.get(userId);
    if (devices) {
      devices.add(socketId);
      return;
    }
    this.devices.set(userId, new Set([socketId]));
    const wasLeaving = this.leaving.get(userId);
    clearTimeout(wasLeaving);
    this.leaving.delete(userId);
    if (!wasLeaving) this.announce(userId, true, new Date(), rooms);
  }

  disconnected(userId: string, socketId: string, rooms: string[]): void {
    const devices = this.devices.get(userId);
    if (!devices?.delete(socketId) || devices.size > 0) return;
    this.devices.delete(userId);
    const at = new Date();
    const announce = () => {
      this.leaving.delete(userId);
      this.announce(userId, false, at, rooms);
    };
    this.leaving.set(userId, setTimeout(announce, this.config.PRESENCE_GRACE_MS));
  }

  isOnline(userId: string): boolean {
    return this.devices.has(userId) || this.leaving.has(userId);
  }

  /** How many users are. */
  onlineCount(): number {
    return this.devices.size + this.leaving.size;
  }

  withOnline<T extends { id: string }>(user: T): T & { online: boolean } {
    return { ...user, online: this.isOnline(user.id) };
  }

  /** One item per id asked for; of an unknown id, and of one that a block hides from the reader: offline, never seen. */
  async items(readerId: string, userIds: string[]): Promise<PresenceItem[]> {
    const users = await this.prisma.$queryRaw<{ id: string; last_seen: Date | null }[]>`
      SELECT id, last_seen_at AS last_seen FROM users
      WHERE id = ANY(${userIds}::uuid[]) AND ${notBlockedWith(readerId, Prisma.raw('users.id'))}`;
    const seen = new Map(users.map(({ id, last_seen }) => [id, last_seen]));
    return userIds.map((id) => ({
      user_id: id,
      online: seen.has(id) && this.isOnline(id),
      last_seen: seen.get(id)?.toISOString() ?? null,
    }));
  }

  async onApplicationShutdown(): Promise<void> {
    for (const timer of this.leaving.values()) clearTimeout(timer);
    const at = new Date();
    const here = [...this.devices.keys(), ...this.leaving.keys()].map((userId) => ({ userId, at }));
    if (here.length > 0)
      await this.storeLastSeen(here).catch((err: Error) =>
        logger.warn({ err: err.message }, 'last seen not stored'),
      );
    await this.lastSeen.drain();
  }

  private announce(userId: string, online: boolean, at: Date, rooms: string[]): void {
    this.lastSeen
      .add({ userId, at })
      .catch((err: Error) => logger.warn({ err: err.message }, 'last seen not stored'));
    this.emitter.toRooms(
      this.everyoneHears()
        ? 'everyone'
        : [...rooms, ...[watchersRoom, followersRoom, friendsRoom].map((room) => room(userId))],
      online ? 'user:online' : 'user:offline',
      { user_id: userId, online, last_seen: at.toISOString() },
      [cutRoom(userId)],
    );
  }

  private everyoneHears(): boolean {
    if (this.config.PRESENCE_AUDIENCE !== 'auto') return this.config.PRESENCE_AUDIENCE === 'everyone';
    return this.onlineCount() < EVERYONE_BELOW;
  }

  private async storeLastSeen(seen: { userId: string; at: Date }[]): Promise<void[]> {
    const latest = new Map(seen.map(({ userId, at }) => [userId, at]));
    // Locked in one order: another process may be storing the same users.
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
