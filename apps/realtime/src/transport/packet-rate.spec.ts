import { PacketRate } from './packet-rate.js';

afterEach(() => jest.restoreAllMocks());

const refusedFrom = (kind: 'event' | 'part' | 'other') => {
  const rate = new PacketRate();
  let packets = 1;
  while (rate.take(kind)) packets += 1;
  return packets;
};

it('counts packets per second, also while the clock stands still or goes back', () => {
  let now = 0;
  jest.spyOn(Date, 'now').mockReturnValue(0);
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  const calm = new PacketRate();
  for (let i = 0; i < 30_000; i++) {
    now += 0.2;
    expect(calm.take('event')).toBe(true);
  }
  expect([refusedFrom('event'), refusedFrom('part'), refusedFrom('other')]).toEqual([10_001, 1001, 101]);
});
