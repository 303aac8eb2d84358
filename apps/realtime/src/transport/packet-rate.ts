import { SOCKETS } from '#platform';

const { most: MAX_PACKETS } = SOCKETS.packets;

/** Points of packets. Devices send few without an event, such as heartbeats, and nothing else limits those. */
const POINTS = { event: 1, part: 10, other: 100 };

/** Counts the packets of a connection in each second. */
export class PacketRate {
  private since = 0;
  private points = 0;

  /** @returns false if the connection has sent too many packets */
  take(kind: keyof typeof POINTS): boolean {
    const now = performance.now();
    if (now - this.since >= 1000) [this.since, this.points] = [now, 0];
    this.points += POINTS[kind];
    return this.points <= MAX_PACKETS;
  }
}
