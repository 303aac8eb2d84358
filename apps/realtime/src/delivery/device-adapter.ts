import type { EventPacket, Sockets } from '#platform';
import type { BroadcastOptions } from 'socket.io-adapter';
import type { Delivery } from '../connections/device-socket.js';
import { BufferingAdapter } from './buffering-adapter.js';

/** The devices of `/`. Sends one event in two forms with one encoding: some fields are only for one user's devices. */
export class DeviceAdapter extends BufferingAdapter implements Sockets {
  /** Other devices of the same users, in the same rooms: commands are applied to them too, as far as they apply. */
  readonly mirrors: Partial<Sockets>[] = [];
  /** Called when a user entered or left a room, or was signed out. */
  onMembershipChanged?: () => void;
  /** Called when a chat must be shown again to the devices in its room, except the users of these rooms. */
  onChatChanged?: (room: string, except: Set<string>) => void;
  /** Called when users, by their rooms, are not typing any more. */
  onTypingEnds?: (users: Set<string>) => void;

  override broadcast(packet: EventPacket, options: BroadcastOptions): void {
    for (const other of this.mirrors) other.broadcast?.(packet, options);
    super.broadcast(packet, options);
  }

  override refreshSubscriptions(users: Set<string>, room: string): void {
    for (const other of this.mirrors) other.refreshSubscriptions?.(users, room);
    super.refreshSubscriptions(users, room);
    this.onMembershipChanged?.();
  }

  chatChanged(room: string, except: Set<string>): void {
    this.onChatChanged?.(room, except);
  }

  typingEnds(users: Set<string>): void {
    this.onTypingEnds?.(users);
  }

  override disconnectSockets(options: BroadcastOptions, close: boolean): void {
    for (const other of this.mirrors) other.disconnectSockets?.(options, close);
    super.disconnectSockets(options, close);
    this.onMembershipChanged?.();
  }

  override audience(room: string): number {
    return this.mirrors.reduce((sum, other) => sum + (other.audience?.(room) ?? 0), super.audience(room));
  }

  protected override writer({ own, ...packet }: EventPacket): Delivery['write'] | undefined {
    if (packet.data[0] === 'chat:opened') return undefined;
    if (!own) return this.encoding(packet);
    const json = JSON.stringify(packet.data);
    const fields = JSON.stringify(own.fields).slice(1);
    const withoutOwnFields = this.encoding({ ...packet, data: json });
    const withOwnFields = this.encoding({ ...packet, data: `${json.slice(0, -2)},${fields}]` });
    const owns = this.rooms.get(own.room);
    return (socket) => (owns?.has(socket.id) ? withOwnFields : withoutOwnFields)(socket);
  }
}
