import { networkOf } from '../http/client-address.js';
import { NetworkCounts } from './network-counts.js';

/** Adds this many, and returns how many were accepted. */
function fill(counts: NetworkCounts, most: number, address: (i: number) => string): number {
  let entered = 0;
  for (let i = 0; i < most; i++) {
    const network = networkOf(address(i));
    if (counts.refusalOf(network)) continue;
    counts.add(network, 1);
    entered += 1;
  }
  return entered;
}

const WIDER: [what: string, most: number, address: (i: number) => string][] = [
  ['an IPv4 address', 10, () => '203.0.113.7'],
  ['a /64', 10, (i) => `2001:db8::${i}`],
  ['a /56', 40, (i) => `2001:db8:0:${(i % 200).toString(16)}::1`],
  ['a /48', 160, (i) => `2001:db8:0:${((i % 250) << 8).toString(16)}::1`],
];

it.each(WIDER)('%s has %d places, separate from others', (_, most, address) => {
  const counts = new NetworkCounts({ ofOne: 10 });
  expect(fill(counts, 1000, address)).toBe(most);
  expect(counts.refusalOf(networkOf(address(0)))).toBe('ofOne');
  expect(fill(counts, 100, () => '2001:db9::1')).toBe(10);
  counts.add(networkOf(address(0)), -1);
  expect(fill(counts, 1, () => address(0))).toBe(1);
});

it('networks at their limit leave places for others, which come first', () => {
  const counts = new NetworkCounts({ ofOne: 2000, all: 5000 });
  const holders = Array.from({ length: 10 }, (_, i) => `2001:db8:${i}`);
  const taken = holders.map((holder) => fill(counts, 5000, (i) => `${holder}:${i.toString(16)}::1`));
  expect(taken.slice(0, 3)).toEqual([2500, 1250, 625]);
  for (const holder of holders.slice(0, 9)) expect(counts.refusalOf(networkOf(`${holder}::1`))).toBe('all');
  expect(fill(counts, 10, () => '203.0.113.7')).toBeGreaterThan(1);
  // A place that the largest frees is not for itself.
  for (let i = 0; i < 1000; i++) counts.add(networkOf(`${holders[0]}:${i.toString(16)}::1`), -1);
  expect(counts.refusalOf(networkOf(`${holders[0]}::1`))).toBe('all');
  expect(fill(counts, 2000, () => '203.0.113.8')).toBeGreaterThan(400);
});

it('accepts no more than the total, even of different networks', () => {
  const counts = new NetworkCounts({ all: 5000 });
  expect(fill(counts, 6000, (i) => `10.0.${i >> 8}.${i % 256}`)).toBe(5000);
});
