import { RedisConnections, logFailure, within } from '#platform';
import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { randomUUID } from 'node:crypto';

/** A node that has not renewed its lease for this time, ms, is dead. */
const LEASE_MS = 15_000;
const RENEW_MS = 5_000;
/** How long a missing lease is remembered, ms. A caller that asks later starts anew. */
const FORGET_MS = 600_000;
/** How long a stop waits for Redis, ms: otherwise the lease expires by itself. */
const FAREWELL_MS = 500;

const keyOf = (id: string) => `node:${id}`;

/** The live nodes. A single process knows only itself: any other id is dead. */
@Injectable()
export class NodeRegistry implements OnModuleInit, OnApplicationShutdown {
  /** The id of this process. */
  readonly id = randomUUID();
  private timer?: NodeJS.Timeout;
  /** Nodes without a lease, by the time when that was first seen. */
  private readonly missing = new Map<string, number>();

  constructor(private readonly redis: RedisConnections) {}

  async onModuleInit(): Promise<void> {
    if (!this.redis.shared) return;
    clearInterval(this.timer);
    await this.renew();
    this.timer = setInterval(() => void this.renew(), RENEW_MS);
  }

  /** The dead nodes among these ids. */
  async dead(ids: string[]): Promise<string[]> {
    const otherIds = ids.filter((id) => id !== this.id);
    const { shared } = this.redis;
    if (!shared || otherIds.length === 0) return otherIds;
    const leases = await shared.mget(...otherIds.map(keyOf));
    const now = performance.now();
    for (const [id, since] of this.missing) if (now - since > FORGET_MS) this.missing.delete(id);
    return otherIds.filter((id, i) => {
      if (leases[i] !== null) return void this.missing.delete(id);
      // A Redis that restarts empty gets the leases back at their next renewal.
      const since = this.missing.get(id) ?? now;
      this.missing.set(id, since);
      return now - since > RENEW_MS;
    });
  }

  /** All live nodes, and those that died within the lease time. */
  async all(): Promise<string[]> {
    const ids: string[] = [];
    const found = this.redis.shared?.scanStream({ match: keyOf('*'), count: 1000 }) ?? [];
    for await (const keys of found) ids.push(...(keys as string[]).map((key) => key.slice(keyOf('').length)));
    return ids;
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    const { shared } = this.redis;
    if (shared?.status !== 'ready') return;
    // A stalled Redis would keep the process alive until it is killed.
    await within(FAREWELL_MS, shared.del(keyOf(this.id))).catch(logFailure('node lease release failed'));
  }

  private async renew(): Promise<void> {
    // The command would wait for the connection, and be outdated when sent.
    if (this.timer && this.redis.shared!.status !== 'ready') return;
    await this.redis
      .shared!.set(keyOf(this.id), 1, 'PX', LEASE_MS)
      .catch(logFailure('node lease renewal failed'));
  }
}
