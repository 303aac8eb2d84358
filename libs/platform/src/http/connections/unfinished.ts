import { Injectable } from '@nestjs/common';
import { IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { BEFORE_SIGN_IN } from '../../limits/budgets/index.js';
import { Metrics } from '../../observability/metrics.js';
import { holderOf } from '../client-address.js';

const { unfinished: BUDGET, shortPieces: SHORT_PIECES } = BEFORE_SIGN_IN;
/** Connections are closed until this many bytes are left. */
const BYTES_AFTER = BUDGET.most * 0.75;
/** Estimated overhead of a piece, bytes. */
const PIECE_BYTES = 256;
/**
 * Estimated memory of a request before its body, with the longest headers, bytes: some 4,000 may wait for their bodies.
 */
const REQUEST_BYTES = 8 * 1024;

export const hasBody = ({ headers }: IncomingMessage): boolean =>
  (headers['content-length'] ?? headers['transfer-encoding']) !== undefined;

/**
 * Bounds the bytes of partially arrived bodies, frames and messages, and thereby the requests that wait for their
 * bodies. They stay in memory until the rest arrives.
 */
@Injectable()
export class Unfinished {
  /** Connections with such bytes, and since when, in ms of `performance.now()`. */
  private readonly unfinished = new Map<Duplex, { bytes: number; since: number; short: number }>();
  private bytes = 0;

  constructor(private readonly metrics: Metrics) {}

  /** Counts an arrived piece of something unfinished. */
  add(socket: Duplex, piece: number): void {
    if (socket.destroyed) return;
    let entry = this.unfinished.get(socket);
    if (!entry) this.unfinished.set(socket, (entry = { bytes: 0, since: performance.now(), short: 0 }));
    entry.bytes += piece + PIECE_BYTES;
    this.bytes += piece + PIECE_BYTES;
    if (piece < SHORT_PIECES.most.bytes && ++entry.short > SHORT_PIECES.most.pieces) this.end(socket);
    if (this.bytes > BUDGET.most) this.evict();
  }

  /** Called when it is complete, or its connection has closed. */
  release(socket: Duplex): void {
    this.bytes -= this.unfinished.get(socket)?.bytes ?? 0;
    this.unfinished.delete(socket);
  }

  /** Counts the bodies of requests, including those of polling. */
  watch(server: Server): void {
    const [add, release] = [this.add.bind(this), this.release.bind(this)];
    // One function for all requests. An event listener would take the bytes from the request's own readers.
    const push = function (this: IncomingMessage, piece: Buffer | null, encoding?: BufferEncoding) {
      if (piece) add(this.socket, piece.length);
      else release(this.socket);
      // The parser still passes on what it has read.
      if (piece && this.socket.destroyed) return false;
      return IncomingMessage.prototype.push.call(this, piece, encoding);
    };
    server.on('request', (request: IncomingMessage) => {
      if (!hasBody(request)) return;
      request.push = push;
      add(request.socket, REQUEST_BYTES);
    });
  }

  /**
   * Closes the connections that hold most for the longest time, and those of networks that hold much first. A
   * connection whose rest is about to arrive holds little for a short time.
   */
  private evict(): void {
    const now = performance.now();
    const bytesOf = new Map<string, number>();
    const all = [...this.unfinished].map(([socket, { bytes, since }]) => {
      const holder = holderOf(socket as Socket);
      bytesOf.set(holder, (bytesOf.get(holder) ?? 0) + bytes);
      return { socket, holder, cost: bytes * (now - since) };
    });
    const costs = all.map(({ socket, holder, cost }) => ({ socket, cost: cost * bytesOf.get(holder)! }));
    for (const { socket } of costs.sort((a, b) => b.cost - a.cost)) {
      if (this.bytes <= BYTES_AFTER) return;
      this.end(socket);
    }
  }

  private end(socket: Duplex): void {
    this.release(socket);
    socket.destroy();
    this.metrics.refuse(BUDGET);
  }
}
