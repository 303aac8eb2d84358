import { AppError } from '#contracts';
import { SOCKETS, Config, Metrics, NetworkCounts, clientAddress, networkOf } from '#platform';
import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';

const RETRY_MS = 2000;

/** A connection with the data it is counted by. */
export interface Visit {
  readonly network: string;
  isOpening: boolean;
}

/** Bounds the connections of a process, before and after their sign-in. */
@Injectable()
export class Admission {
  private readonly all: NetworkCounts;
  private readonly opening: NetworkCounts;

  constructor(
    private readonly config: Config,
    private readonly metrics: Metrics,
  ) {
    const ofOne = config.CONNECTIONS_PER_ADDRESS;
    this.all = new NetworkCounts({ ofOne });
    this.opening = new NetworkCounts({
      ofOne: ofOne * SOCKETS.openingOfAddress.most,
      all: SOCKETS.opening.most,
    });
  }

  /**
   * Each admitted connection must call `leave` once.
   * @throws AppError RATE_LIMIT, UNAVAILABLE
   */
  enter(request: IncomingMessage): Visit {
    const network = this.networkOf(request);
    const refusal = this.all.refusalOf(network) ?? this.opening.refusalOf(network);
    if (refusal) {
      const isFull = refusal === 'all';
      this.metrics.refuse(isFull ? SOCKETS.opening : SOCKETS.ofAddress);
      const [code, message] = isFull
        ? (['UNAVAILABLE', 'Too many connections are being opened'] as const)
        : (['RATE_LIMIT', 'Too many connections from this address'] as const);
      throw new AppError(code, message, { retryAfterMs: RETRY_MS });
    }
    this.all.add(network, 1);
    this.opening.add(network, 1);
    return { network, isOpening: true };
  }

  signedIn(visit: Visit): void {
    if (!visit.isOpening) return;
    visit.isOpening = false;
    this.opening.add(visit.network, -1);
  }

  leave(visit: Visit): void {
    this.signedIn(visit);
    this.all.add(visit.network, -1);
  }

  networkOf({ socket, headers }: IncomingMessage): string {
    const forwarded = String(headers['x-forwarded-for'] ?? '').split(',');
    const hops = [socket.remoteAddress ?? '', ...forwarded.reverse()];
    return networkOf(clientAddress({ ips: hops.slice(0, this.config.TRUSTED_PROXIES + 1), ip: hops[0]! }));
  }
}
