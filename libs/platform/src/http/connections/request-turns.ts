import { BEFORE_SIGN_IN } from '../../limits/budgets/index.js';
import { NetworkCounts } from '../../limits/network-counts.js';
import { networksAround } from '../client-address.js';

const { atOnce: AT_ONCE, waiting: WAITING } = BEFORE_SIGN_IN.requestStarts.most;

/**
 * Starts a few requests in each turn of the event loop, of all networks in turn. Otherwise one turn would start a request
 * of each connection that has one, and a client with many connections would delay all others.
 */
export class RequestTurns {
  /** By the widest network. The first is the next one. */
  private readonly queues = new Map<string, { network: string; start: () => void }[]>();
  private readonly counts = new NetworkCounts({ all: WAITING });
  /** Requests that have started in this turn of the event loop. */
  private started = 0;
  private isScheduled = false;

  /** Whether too many wait. */
  isFull(network: string): boolean {
    return this.counts.refusalOf(network) !== undefined;
  }

  run(network: string, start: () => void): void {
    this.schedule();
    if (this.queues.size === 0 && this.started < AT_ONCE) {
      this.started += 1;
      return start();
    }
    const { name } = networksAround(network).at(-1)!;
    const queue = this.queues.get(name) ?? [];
    this.queues.set(name, queue);
    queue.push({ network, start });
    this.counts.add(network, 1);
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => this.turn());
  }

  private turn(): void {
    this.isScheduled = false;
    this.started = 0;
    for (const [name, queue] of this.queues) {
      if (this.started === AT_ONCE) break;
      // Afterwards it is the last.
      this.queues.delete(name);
      const { network, start } = queue.shift()!;
      if (queue.length > 0) this.queues.set(name, queue);
      this.counts.add(network, -1);
      this.started += 1;
      start();
    }
    if (this.started > 0) this.schedule();
  }
}
