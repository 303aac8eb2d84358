import { chatRoom, cutRoom, followersRoom, friendsRoom } from '#contracts';
import type { EventPacket } from '#platform';
import { Adapter, type BroadcastOptions } from 'socket.io-adapter';
import type { DeviceSocket, LookUp, Shown } from './device-socket.js';

/** Names of rooms that say what is in the database, and which of a user's devices change with that. */
const STORED = [chatRoom, followersRoom, friendsRoom, cutRoom].map((room) => room(''));
const CUT = cutRoom('');
/** Events kept for one device. What is more it is to look for itself. */
const MAX_HELD = 100;

/** What of Socket.IO is used here beyond its types. Encoding makes the WebSocket frame, too, once for all. */
interface Inside {
  _encode(packet: object, options: object): string[];
  apply(options: BroadcastOptions, show: (socket: DeviceSocket) => void): void;
}
interface Writing {
  client: { writeToEngine(packets: string[], options: object): void };
}

/** Whether its devices hear less than others, for events of which it is excepted. */
export const cutsOff = (room: string) => room.startsWith(CUT);

/**
 * That somebody came into a room, or out of it, is told after its commit; but two such moves, by two nodes, may be told in
 * another order than theirs, and late. So a move only says what is not known any more: until the database has said where
 * the device belongs, what it may have to hear is held for it, and shown if it belongs there then. What was said
 * meanwhile counts as said at that moment.
 */
export abstract class HoldingAdapter extends Adapter {
  /** Told of each device that has come into doubt: it is to be looked up, and settled. */
  onDoubt?: (socket: DeviceSocket) => void;

  /** What shows a packet to one device of this namespace after the other; nothing if it is not for them. */
  protected abstract shower(packet: EventPacket): Shown['to'] | undefined;

  override broadcast(packet: EventPacket, options: BroadcastOptions): void {
    if (this.nobodyIsIn(options.rooms)) return;
    const to = this.shower(packet);
    if (!to) return;
    const event = { to, options };
    this.walk(options, (socket) => this.show(socket, event));
  }

  /** These users' devices are where they may be, until it is known. */
  move(users: Set<string>, room: string): void {
    const at = performance.now();
    for (const user of users)
      for (const id of this.rooms.get(user) ?? []) {
        const socket = this.nsp.sockets.get(id) as DeviceSocket;
        if (cutsOff(room)) void this.del(id, room);
        else void this.addAll(id, new Set([room]));
        const isNew = !socket.data.doubt;
        socket.data.doubt ??= { since: new Map(), held: [], isTooMuch: false };
        socket.data.doubt.since.set(room, at);
        if (isNew) this.onDoubt?.(socket);
      }
  }

  /**
   * Puts a device where it belongs, but for the rooms that came into doubt after it was asked, and shows what was held.
   * @returns the rooms that it is in for certain, and whether it has missed some of what goes there
   */
  settle(socket: DeviceSocket, { rooms, at }: LookUp): { rooms: Set<string>; hasMissed: boolean } {
    const { doubt } = socket.data;
    const isKnown = (room: string) => (doubt?.since.get(room) ?? -Infinity) < at;
    const current = new Set(rooms.filter(isKnown));
    for (const room of socket.rooms)
      if (STORED.some((name) => room.startsWith(name)) && isKnown(room) && !current.has(room))
        void this.del(socket.id, room);
    void this.addAll(socket.id, current);
    if (!doubt) return { rooms: current, hasMissed: false };
    const settled = [...doubt.since.keys()].filter(isKnown);
    for (const room of settled) doubt.since.delete(room);
    const hasMissed = doubt.isTooMuch && settled.some((room) => cutsOff(room) !== current.has(room));
    if (hasMissed) doubt.isTooMuch = false;
    for (const event of doubt.held.splice(0))
      if (this.mayHear(socket.id, event.options)) this.show(socket, event);
    if (doubt.since.size === 0) socket.data.doubt = undefined;
    return { rooms: current, hasMissed };
  }

  /** Encodes a packet for the first device that it is written to, once for all. Data that is text has been encoded already. */
  protected encoding(
    packet: Omit<EventPacket, 'data'> & { data: EventPacket['data'] | string },
  ): Shown['to'] {
    let frame: [packets: string[], options: object] | undefined;
    return (socket) => {
      if (!frame) {
        const options = { preEncoded: true };
        frame = [(this as unknown as Inside)._encode({ ...packet, nsp: this.nsp.name }, options), options];
      }
      (socket as unknown as Writing).client.writeToEngine(...frame);
    };
  }

  /** To a device that may hear it: at once, or when it is known. */
  private show(socket: DeviceSocket, event: Shown): void {
    const { doubt, openedAt } = socket.data;
    if (!doubt) return event.to(socket);
    const { rooms, except = new Set() } = event.options;
    const isInDoubt = (room: string) => doubt.since.has(room);
    const isSure =
      ![...except].some(isInDoubt) &&
      (rooms.size === 0 || [...rooms].some((room) => socket.rooms.has(room) && !isInDoubt(room)));
    // Each room's events are shown in their order.
    const isNext = () =>
      !doubt.held.some(({ options }) => [...rooms].some((room) => options.rooms.has(room)));
    if (isSure && isNext()) return event.to(socket);
    // Not yet welcomed, it will sync.
    if (openedAt === undefined) return;
    if (doubt.held.length < MAX_HELD) doubt.held.push(event);
    else doubt.isTooMuch = true;
  }

  private mayHear(id: string, { rooms, except = new Set() }: BroadcastOptions): boolean {
    const isIn = (room: string) => this.rooms.get(room)?.has(id);
    return (rooms.size === 0 || [...rooms].some(isIn)) && ![...except].some(isIn);
  }

  private walk(options: BroadcastOptions, show: (socket: DeviceSocket) => void): void {
    const [room] = options.rooms;
    if (options.rooms.size !== 1 || (options.except && options.except.size > 0))
      return (this as unknown as Inside).apply(options, show);
    // As most events go, without looking for those that are in two rooms.
    for (const id of this.rooms.get(room!) ?? []) {
      const socket = this.nsp.sockets.get(id) as DeviceSocket | undefined;
      if (socket) show(socket);
    }
  }

  /** Then encoding would be for nothing: most users have no device here at any moment. No rooms are everybody. */
  private nobodyIsIn(rooms: Set<string>): boolean {
    for (const room of rooms) if (this.rooms.has(room)) return false;
    return rooms.size > 0 || this.sids.size === 0;
  }
}
