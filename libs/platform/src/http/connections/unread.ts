import { Injectable } from '@nestjs/common';
import { BEFORE_SIGN_IN } from '../../limits/budgets/index.js';
import { Metrics } from '../../observability/metrics.js';

/** Connections are closed until this share of the limit is left. */
const SHARE_AFTER = 0.75;
const LOOK_MS = 500;

/** A connection whose bytes stay in memory until its client reads them. */
export interface Waiting {
  bytes: number;
  end(): void;
}

/** Bounds the bytes of answers, events and frames that wait in this process for clients to read them. */
@Injectable()
export class Unread {
  /** Bytes of all connections of a process together. */
  most: number = BEFORE_SIGN_IN.unread.most;
  private readonly kinds: (() => Waiting[])[] = [];

  constructor(private readonly metrics: Metrics) {}

  /** @param waiting returns the bytes that wait at the moment, each byte once */
  count(waiting: () => Waiting[]): void {
    this.kinds.push(waiting);
  }

  /** @returns its timer */
  watch(): NodeJS.Timeout {
    return setInterval(() => this.evict(), LOOK_MS).unref();
  }

  /** Closes the connections with the most bytes first. */
  private evict(): void {
    const waiting = this.kinds.flatMap((kind) => kind());
    let bytes = waiting.reduce((sum, one) => sum + one.bytes, 0);
    if (bytes <= this.most) return;
    for (const one of waiting.sort((a, b) => b.bytes - a.bytes)) {
      if (bytes <= SHARE_AFTER * this.most) return;
      bytes -= one.bytes;
      one.end();
      this.metrics.refuse(BEFORE_SIGN_IN.unread);
    }
  }
}
