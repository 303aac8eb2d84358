import fc from 'fast-check';
import { canonicalAddress, clientAddress, holderOf, networkOf, networksAround } from './client-address.js';

it.each([
  ['203.0.113.7', '203.0.113.7'],
  ['203.0.113.7:5000', '203.0.113.7'],
  [' 203.0.113.7 ', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['::FFFF:cb00:7107', '203.0.113.7'],
  ['[::ffff:203.0.113.7]:80', '203.0.113.7'],
  ['2001:DB8:0:0:0:0:0:7', '2001:db8::7'],
  ['2001:0db8::0007', '2001:db8::7'],
  ['[2001:db8::7]', '2001:db8::7'],
  ['[2001:db8::7]:5000', '2001:db8::7'],
  ['fe80::1%eth0', 'fe80::1'],
  ['[fe80::1%25eth0]:80', 'fe80::1'],
  ['::1', '::1'],
])('%j is %s', (text, address) => {
  expect(canonicalAddress(text)).toBe(address);
});

it.each([
  ...[
    '',
    'unknown7',
    '_hidden',
    '203.0.113',
    '203.0.113.256',
    '127.1',
    '0x7f.0.0.1',
    '010.0.0.1',
    '2130706433',
  ],
  ...[
    '203.0.113.7:',
    '203.0.113.7:x',
    '203.0.113.7:123456',
    '[203.0.113.7',
    '2001:db8::7]',
    '[]:80',
    '2001:db8',
  ],
  ...['for=203.0.113.7', '203.0.113.7/24', '"203.0.113.7"', '203.0.113.7, 203.0.113.8', '::ffff:999.1.1.1'],
])('%j is not an address', (text) => {
  expect(canonicalAddress(text)).toBeUndefined();
});

const groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 });
const spelled = ([first, ...rest]: number[], pad: boolean, upper: boolean) => {
  const text = [0x2000 | (first! & 0xfff), ...rest]
    .map((group) => group.toString(16).padStart(pad ? 4 : 1, '0'))
    .join(':');
  return upper ? text.toUpperCase() : text;
};

it('all spellings of an IPv6 address are one, with or without a port, and its /64 is one network', () => {
  fc.assert(
    fc.property(groups, groups, fc.boolean(), fc.boolean(), (one, other, pad, upper) => {
      const address = canonicalAddress(spelled(one, false, false))!;
      expect(canonicalAddress(spelled(one, pad, upper))).toBe(address);
      expect(canonicalAddress(`[${spelled(one, pad, upper)}]:443`)).toBe(address);
      const neighbour = canonicalAddress(spelled([...one.slice(0, 4), ...other.slice(4)], pad, upper))!;
      expect(networkOf(neighbour)).toBe(networkOf(address));
      const stranger = spelled([...one.slice(0, 3), one[3]! ^ 1, ...one.slice(4)], pad, upper);
      expect(networkOf(canonicalAddress(stranger)!)).not.toBe(networkOf(address));
    }),
  );
});

it('an IPv4 address is its own network', () => {
  expect(networkOf('203.0.113.7')).toBe('203.0.113.7');
});

it('an IPv6 network is in its /56 and its /48, each with four times the limit', () => {
  expect(networksAround(networkOf('2001:db8:1:1234::7'))).toEqual([
    { name: '2001:0db8:0001:1234', addresses: 1 },
    { name: '2001:0db8:0001:12', addresses: 4 },
    { name: '2001:0db8:0001', addresses: 16 },
  ]);
  for (const other of ['203.0.113.7', 'unknown'])
    expect(networksAround(networkOf(other))).toEqual([{ name: other, addresses: 1 }]);
  for (const remoteAddress of ['2001:db8:1:ffff::1', '2001:0DB8:1::2'])
    expect(holderOf({ remoteAddress })).toBe('2001:0db8:0001');
  expect(holderOf({ remoteAddress: '::ffff:203.0.113.7' })).toBe('203.0.113.7');
});

it.each([
  [['10.0.0.1', '203.0.113.7:5000'], '203.0.113.7'],
  [['10.0.0.1', 'unknown7'], '10.0.0.1'],
  [['::ffff:10.0.0.1', '10.0.0.2', '_secret'], '10.0.0.2'],
  [['::ffff:127.0.0.1'], '127.0.0.1'],
  [['x'], 'unknown'],
  [[undefined], 'unknown'],
])('of the hops %j the client is %s', (ips, address) => {
  expect(clientAddress({ ips, ip: ips.at(-1)! })).toBe(address);
});
