import { Counts } from '../concurrency/counts.js';
import { networksAround } from '../http/client-address.js';

/**
 * How many there are of each network, and of the wider ones around it, each of which may have more. None gets more than it
 * leaves for all others: when there is little left, those come first who have little.
 */
export class NetworkCounts {
  private readonly counts = new Counts();
  private all = 0;

  /** `ofOne`: the most of an address; `all`: of all addresses together. */
  constructor(private readonly most: { ofOne?: number; all?: number }) {}

  /** Which of the two keeps this network from one more. */
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
