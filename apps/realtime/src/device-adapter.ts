import type { EventPacket } from '#platform';
import type { Adapter, BroadcastOptions } from 'socket.io-adapter';
import { HoldingAdapter, nobodyIsIn } from './holding-adapter.js';

/** What of Socket.IO is used here beyond its types. Encoding makes the WebSocket frame, too, once for all. */
interface Encoding {
  _encode(packet: { data: unknown }, options: object): string[];
}
interface Writing {
  client: { writeToEngine(packets: string[], options: object): void };
}

/**
 * Socket.IO's adapter, which also shows one event in two forms: some fields are for one user's devices alone.
 * Both forms come from one encoding, and the room is walked once.
 */
export class DeviceAdapter extends HoldingAdapter {
  /** Other devices of the same users, by the same rooms: what is done here is done there, as far as it means something. */
  readonly others: Partial<Pick<Adapter, 'broadcast' | 'addSockets' | 'delSockets' | 'disconnectSockets'>>[] =
    [];
  /** Told that somebody was put into a room, out of one or signed out. */
  onMove?: () => void;

  override broadcast(packet: EventPacket, options: BroadcastOptions): void {
    for (const other of this.others) other.broadcast?.(packet, options);
    super.broadcast(packet, options);
  }

  protected override show(packet: EventPacket, options: BroadcastOptions): void {
    const { own, ...shared } = packet;
    if (nobodyIsIn(this, options.rooms)) return;
    if (!own) return super.show(packet, options);
    const json = JSON.stringify(packet.data);
    const encode = (data: string) => {
      const options = { preEncoded: true };
      return [(this as unknown as Encoding)._encode({ ...shared, data }, options), options] as const;
    };
    let toOwn: ReturnType<typeof encode> | undefined;
    let toOthers: ReturnType<typeof encode> | undefined;
    const owns = this.rooms.get(own.room);
    for (const room of options.rooms)
      for (const id of this.rooms.get(room) ?? []) {
        const frame = owns?.has(id)
          ? (toOwn ??= encode(`${json.slice(0, -2)},${JSON.stringify(own.fields).slice(1)}]`))
          : (toOthers ??= encode(json));
        (this.nsp.sockets.get(id) as Writing | undefined)?.client.writeToEngine(...frame);
      }
  }

  override addSockets(options: BroadcastOptions, rooms: string[]): void {
    for (const other of this.others) other.addSockets?.(options, rooms);
    super.addSockets(options, rooms);
    this.onMove?.();
  }

  override delSockets(options: BroadcastOptions, rooms: string[]): void {
    for (const other of this.others) other.delSockets?.(options, rooms);
    super.delSockets(options, rooms);
    this.onMove?.();
  }

  override disconnectSockets(options: BroadcastOptions, close: boolean): void {
    for (const other of this.others) other.disconnectSockets?.(options, close);
    super.disconnectSockets(options, close);
    this.onMove?.();
  }
}
