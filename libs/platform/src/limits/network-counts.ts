import { Counts } from '../concurrency/counts.js';
import { networksAround } from '../http/client-address.js';

/**
 * Counts by network and by the wider networks around it, each of which has a larger limit. No network takes more than
 * it leaves for all others: when little is left, networks with small counts go first.
 */
export class NetworkCounts {
  private readonly counts = new Counts();
  private all = 0;

  /** `ofOne`: the limit of an address; `all`: of all addresses together. */
  constructor(private readonly most: { ofOne?: number; all?: number }) {}

  /** The limit that refuses one more to this network. */
  refusalOf(network: string): 'ofOne' | 'all' | undefined {
    const { ofOne = Infinity, all = Infinity } = this.most;
    const left = all - this.all;
    for (const { name, addresses } of networksAround(network)) {
      const count = this.counts.of(name);
      if (count >= ofOne * addresses) return 'ofOne';
      if (count >= left) return 'all';
    }
    return undefined;
  }

  /** @param by 1 or -1 */
  add(network: string, by: number): void {
    for (const { name } of networksAround(network)) this.counts.add(name, by);
    this.all += by;
  }
}
