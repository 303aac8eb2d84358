import { Injectable } from '@nestjs/common';
import { Metrics } from '../metrics.js';

/** Of all connections of a process together. */
const MAX_BYTES = 64 * 1024 * 1024;
/** As much is left once connections have been closed. */
const BYTES_AFTER = 48 * 1024 * 1024;
const LOOK_MS = 500;

/** A connection keeps these bytes in memory until its client reads. */
export interface Waiting {
  bytes: number;
  end(): void;
}

/** Bounds the bytes of answers, events and frames that wait in a process for their clients to read. */
@Injectable()
export class Unread {
  private readonly kinds: (() => Waiting[])[] = [];

  constructor(private readonly metrics: Metrics) {}

  /** @param waiting tells what waits at the moment, each byte once */
  count(waiting: () => Waiting[]): void {
    this.kinds.push(waiting);
  }

  /** @returns its timer */
  watch(): NodeJS.Timeout {
    return setInterval(() => this.makeRoom(), LOOK_MS).unref();
  }

  /** Connections that hold the most end first. */
  private makeRoom(): void {
    const waiting = this.kinds.flatMap((kind) => kind());
    let bytes = waiting.reduce((sum, one) => sum + one.bytes, 0);
    if (bytes <= MAX_BYTES) return;
    for (const one of waiting.sort((a, b) => b.bytes - a.bytes)) {
      if (bytes <= BYTES_AFTER) return;
      bytes -= one.bytes;
      one.end();
      this.metrics.refused.inc({ budget: 'unread' });
    }
  }
}
