import type { EventPacket } from '#platform';
import { Adapter, type BroadcastOptions } from 'socket.io-adapter';

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
export class DeviceAdapter extends Adapter {
  /** Other devices of the same users, by the same rooms: what is done here is done there, as far as it means something. */
  readonly others: Partial<Pick<Adapter, 'broadcast' | 'addSockets' | 'delSockets' | 'disconnectSockets'>>[] =
    [];
  /** Told whose devices were put into rooms, out of them or signed out, by the names of the users' or sessions' rooms. */
  onMove?: (rooms: Set<string>) => void;

  override broadcast(packet: EventPacket, options: BroadcastOptions): void {
    for (const other of this.others) other.broadcast?.(packet, options);
    const { own, ...shared } = packet;
    if (nobodyIsIn(this, options.rooms)) return;
    if (!own) return super.broadcast(packet, options);
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
    this.onMove?.(options.rooms);
  }

  override delSockets(options: BroadcastOptions, rooms: string[]): void {
    for (const other of this.others) other.delSockets?.(options, rooms);
    super.delSockets(options, rooms);
    this.onMove?.(options.rooms);
  }

  override disconnectSockets(options: BroadcastOptions, close: boolean): void {
    for (const other of this.others) other.disconnectSockets?.(options, close);
    super.disconnectSockets(options, close);
    this.onMove?.(options.rooms);
  }
}

/** Then encoding would be for nothing: most users have no device here at any moment. No rooms are everybody. */
export function nobodyIsIn(adapter: Adapter, rooms: BroadcastOptions['rooms']): boolean {
  for (const room of rooms) if (adapter.rooms.has(room)) return false;
  return rooms.size > 0;
}
