import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { logger } from './logging.js';
import { RedisConnections } from './redis.js';

/** A process that has not renewed for so long, ms, has died. */
const LEASE_MS = 15_000;
const RENEW_MS = 5_000;

const keyOf = (id: string) => `node:${id}`;

/** Which processes live. One that is alone knows it of itself only: whoever else there was has died. */
@Injectable()
export class NodeLeases implements OnModuleInit, OnApplicationShutdown {
  /** This process. */
  readonly id = randomUUID();
  private timer?: NodeJS.Timeout;
  /** Whose lease was not there, and since when. */
  private readonly missingSince = new Map<string, number>();

  constructor(private readonly redis: RedisConnections) {}

  async onModuleInit(): Promise<void> {
    if (!this.redis.shared) return;
    clearInterval(this.timer);
    await this.renew();
    this.timer = setInterval(() => void this.renew(), RENEW_MS);
  }

  /** Of these processes, those that have died. */
  async dead(ids: string[]): Promise<string[]> {
    const others = ids.filter((id) => id !== this.id);
    const { shared } = this.redis;
    if (!shared || others.length === 0) return others;
    const leases = await shared.mget(...others.map(keyOf));
    const now = Date.now();
    return others.filter((id, i) => {
      if (leases[i] !== null) return void this.missingSince.delete(id);
      // A Redis that has come back empty has the leases again when they are renewed.
      if (!this.missingSince.has(id)) this.missingSince.set(id, now);
      return now - this.missingSince.get(id)! > RENEW_MS;
    });
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    if (this.redis.shared?.status === 'ready') await this.redis.shared.del(keyOf(this.id));
  }

  private async renew(): Promise<void> {
    // It would wait there, and be out of date.
    if (this.timer && this.redis.shared!.status !== 'ready') return;
    try {
      await this.redis.shared!.set(keyOf(this.id), 1, 'PX', LEASE_MS);
    } catch (err) {
      logger.warn({ err: (err as Error).message }, 'lease not renewed');
    }
  }
}
