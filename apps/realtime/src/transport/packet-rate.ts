import { SOCKETS } from '#platform';
import type { Visit } from '../connections/admission.js';

const { most: MAX_PACKETS } = SOCKETS.packets;
const { most: MAX_OPENING } = SOCKETS.openingPackets;

/** Points of packets. Devices send few without an event, such as heartbeats, and nothing else limits those. */
const POINTS = { event: 1, part: 10, other: 100 };
const OPENING_POINTS = MAX_PACKETS / MAX_OPENING;

/** Counts the packets of a connection in each second. */
export class PacketRate {
  private since = 0;
  private points = 0;

  constructor(private readonly visit: Pick<Visit, 'isOpening'>) {}

  /** The limit of packets in a second. */
  get most(): number {
    return this.visit.isOpening ? MAX_OPENING : MAX_PACKETS;
  }

  /** @returns false if the connection has sent too many packets */
  take(kind: keyof typeof POINTS): boolean {
    const now = performance.now();
    if (now - this.since >= 1000) [this.since, this.points] = [now, 0];
    this.points += this.visit.isOpening ? OPENING_POINTS : POINTS[kind];
    return this.points <= MAX_PACKETS;
  }
}
