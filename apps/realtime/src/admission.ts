import { AppError } from '#contracts';
import { SOCKETS, Config, Counts, Metrics, clientAddress, networkOf } from '#platform';
import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';

const RETRY_MS = 2000;

/** A connection as it is counted. */
export interface Visit {
  readonly network: string;
  isOpening: boolean;
}

/** Bounds the connections that a process holds, before and after somebody has signed in on them. */
@Injectable()
export class Admission {
  private readonly all = new Counts();
  private readonly openingOf = new Counts();
  private opening = 0;

  constructor(
    private readonly config: Config,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Each that is let in leaves once.
   * @throws AppError RATE_LIMIT, UNAVAILABLE
   */
  enter(request: IncomingMessage): Visit {
    const network = networkOf(this.addressOf(request));
    const perAddress = this.config.CONNECTIONS_PER_ADDRESS;
    const isFull = this.opening >= SOCKETS.opening.most;
    if (
      isFull ||
      this.all.of(network) >= perAddress ||
      this.openingOf.of(network) >= perAddress * SOCKETS.openingOfAddress.most
    ) {
      this.metrics.refuse(isFull ? SOCKETS.opening : SOCKETS.ofAddress);
      const [code, message] = isFull
        ? (['UNAVAILABLE', 'Too many connections are being opened'] as const)
        : (['RATE_LIMIT', 'Too many connections from this address'] as const);
      throw new AppError(code, message, { retryAfterMs: RETRY_MS });
    }
    this.all.add(network, 1);
    this.openingOf.add(network, 1);
    this.opening++;
    return { network, isOpening: true };
  }

  signedIn(visit: Visit): void {
    if (!visit.isOpening) return;
    visit.isOpening = false;
    this.openingOf.add(visit.network, -1);
    this.opening--;
  }

  leave(visit: Visit): void {
    this.signedIn(visit);
    this.all.add(visit.network, -1);
  }

  private addressOf({ socket, headers }: IncomingMessage): string {
    const forwarded = String(headers['x-forwarded-for'] ?? '').split(',');
    const hops = [socket.remoteAddress ?? '', ...forwarded.reverse()];
    return clientAddress({ ips: hops.slice(0, this.config.TRUSTED_PROXIES + 1), ip: hops[0]! });
  }
}
