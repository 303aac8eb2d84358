import { chatRoom, cutRoom, followersRoom, friendsRoom } from '#contracts';
import type { EventPacket } from '#platform';
import { Adapter, type BroadcastOptions } from 'socket.io-adapter';
import type { DeviceSocket, Doubt, LookUp } from './device-socket.js';

/** Names of rooms that say what is in the database, and which of a user's devices change with that. */
const STORED = [chatRoom, followersRoom, friendsRoom, cutRoom].map((room) => room(''));
const CUT = cutRoom('');
/** Events kept for one device. What is more it is to look for itself. */
const MAX_HELD = 100;

/** Whether its devices hear less than others: until it is known they are taken to be in it. */
export const cutsOff = (room: string) => room.startsWith(CUT);

const named = ({ rooms, except }: BroadcastOptions): string[] => [...rooms, ...(except ?? [])];

/** The room of those that may be in another one. */
const unsure = (room: string) => `?${room}`;

/**
 * That somebody was put into a room, or out of it, is told after its commit; but two such moves, by two nodes, may be told
 * in another order than theirs, and late. So a move only says what is not known any more: until the database has said
 * where the device belongs, what goes to that room is held for it.
 */
export class HoldingAdapter extends Adapter {
  /** Told of each device that has come into doubt: it is to be looked up, and settled. */
  onDoubt?: (socket: DeviceSocket) => void;

  override broadcast(packet: EventPacket, options: BroadcastOptions): void {
    this.hold(packet, options);
    this.show(packet, options);
  }

  override addSockets({ rooms: users }: BroadcastOptions, rooms: string[]): void {
    this.doubt(users, rooms);
  }

  override delSockets({ rooms: users }: BroadcastOptions, rooms: string[]): void {
    this.doubt(users, rooms);
  }

  /**
   * Puts a device where it belongs, but for the rooms that came into doubt after it was asked. Shows what was held for it.
   * @returns false when there was more than is kept
   */
  settle(socket: DeviceSocket, { rooms, at }: LookUp): boolean {
    const { doubt } = socket.data;
    const isKnown = (room: string) => (doubt?.since.get(room) ?? -Infinity) < at;
    const current = new Set(rooms.filter(isKnown));
    for (const room of socket.rooms)
      if (STORED.some((name) => room.startsWith(name)) && isKnown(room) && !current.has(room))
        void this.del(socket.id, room);
    void this.addAll(socket.id, current);
    if (!doubt) return true;
    for (const room of [...doubt.since.keys()].filter(isKnown)) {
      doubt.since.delete(room);
      void this.del(socket.id, unsure(room));
    }
    return this.showHeld(socket, doubt);
  }

  /** To this namespace's devices. */
  protected show(packet: EventPacket, options: BroadcastOptions): void {
    super.broadcast(packet, options);
  }

  private doubt(users: Set<string>, rooms: string[]): void {
    const at = performance.now();
    for (const user of users)
      for (const id of this.rooms.get(user) ?? []) {
        const socket = this.nsp.sockets.get(id) as DeviceSocket;
        const isNew = !socket.data.doubt;
        const { since } = (socket.data.doubt ??= { since: new Map(), held: [], isTooMuch: false });
        for (const room of rooms) {
          since.set(room, at);
          if (!cutsOff(room)) void this.del(id, room);
          void this.addAll(id, new Set([unsure(room), ...(cutsOff(room) ? [room] : [])]));
        }
        if (isNew) this.onDoubt?.(socket);
      }
  }

  private hold(packet: EventPacket, options: BroadcastOptions): void {
    for (const room of named(options))
      for (const id of this.rooms.get(unsure(room)) ?? []) {
        // Shown to it now.
        if (this.hears(id, options)) continue;
        const { openedAt, doubt } = (this.nsp.sockets.get(id) as DeviceSocket).data;
        // Not yet welcomed, it will sync.
        if (!doubt || openedAt === undefined) continue;
        // Of two rooms that are in doubt.
        if (doubt.held.at(-1)?.packet === packet) continue;
        if (doubt.held.length < MAX_HELD) doubt.held.push({ packet, options });
        else doubt.isTooMuch = true;
      }
  }

  private showHeld(socket: DeviceSocket, doubt: Doubt): boolean {
    const { held, isTooMuch } = doubt;
    doubt.held = [];
    doubt.isTooMuch = false;
    for (const event of held) {
      const { packet, options } = event;
      if (this.hears(socket.id, options)) this.show(packet, { ...options, rooms: new Set([socket.id]) });
      else if (named(options).some((room) => doubt.since.has(room))) doubt.held.push(event);
    }
    if (doubt.since.size === 0) socket.data.doubt = undefined;
    return !isTooMuch;
  }

  private hears(id: string, { rooms, except }: BroadcastOptions): boolean {
    return (rooms.size === 0 || this.isInAny(id, rooms)) && !(except && this.isInAny(id, except));
  }

  private isInAny(id: string, rooms: Set<string>): boolean {
    for (const room of rooms) if (this.rooms.get(room)?.has(id)) return true;
    return false;
  }
}

/** Then encoding would be for nothing: most users have no device here at any moment. No rooms are everybody. */
export function nobodyIsIn(adapter: Adapter, rooms: BroadcastOptions['rooms']): boolean {
  for (const room of rooms) if (adapter.rooms.has(room)) return false;
  return rooms.size > 0;
}
