import { PacketRate } from './packet-rate.js';

afterEach(() => jest.restoreAllMocks());

const refusedFrom = (kind: 'event' | 'part' | 'other', visit: { isOpening: boolean }) => {
  const rate = new PacketRate(visit);
  let packets = 1;
  while (rate.take(kind)) packets += 1;
  return packets;
};
const SIGNED_IN = { isOpening: false };

it('counts packets per second, also while the clock stands still or goes back', () => {
  let now = 0;
  jest.spyOn(Date, 'now').mockReturnValue(0);
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  const calm = new PacketRate(SIGNED_IN);
  let taken = 0;
  for (let i = 0; i < 30_000; i++) {
    now += 0.2;
    if (calm.take('event')) taken += 1;
  }
  expect(taken).toBe(30_000);
  const refused = (['event', 'part', 'other'] as const).map((kind) => refusedFrom(kind, SIGNED_IN));
  expect(refused).toEqual([10_001, 1001, 101]);
});

it('counts each packet before a sign-in alike', () => {
  jest.spyOn(performance, 'now').mockReturnValue(0);
  for (const kind of ['event', 'part', 'other'] as const)
    expect(refusedFrom(kind, { isOpening: true })).toBe(101);
});
