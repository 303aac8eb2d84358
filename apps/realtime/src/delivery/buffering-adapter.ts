import { asNamed, namedIn } from '#chat';
import { type MessageDto } from '#contracts';
import { NAMELESS } from '#identity';
import { type EventPacket, chatRoom, blockedRoom, followersRoom, friendsRoom } from '#platform';
import { Adapter, type BroadcastOptions } from 'socket.io-adapter';
import type {
  Delivery,
  DeviceSocket,
  PendingSubscriptions,
  SubscriptionSnapshot,
} from '../connections/device-socket.js';

/** Names of rooms that say what is in the database, and which of a user's devices change with that. */
const STORED = [chatRoom, followersRoom, friendsRoom, blockedRoom].map((room) => room(''));
const BLOCKS = blockedRoom('');
/** Events kept for one device. What is more it is to look for itself. */
const MAX_BUFFERED = 100;

/** Devices of `auth: { scope: "joined" }` hear these events of joined chats only. */
const OF_JOINED = new Set<unknown>(['chat:message:new', 'chat:typing']);

/** Events that carry a message, in one frame for a whole chat. */
const OF_MESSAGES = new Set<unknown>([
  'chat:message:new',
  'chat:message:edited',
  'chat:message:deleted',
  'chat:message:reaction',
  'chat:message:pinned',
  'chat:message:unpinned',
]);
const CHAT = chatRoom('');

/** What of Socket.IO is used here beyond its types. Encoding makes the WebSocket frame, too, once for all. */
interface Inside {
  _encode(packet: object, options: object): string[];
  apply(options: BroadcastOptions, show: (socket: DeviceSocket) => void): void;
}
interface Writing {
  client: { writeToEngine(packets: string[], options: object): void };
}

/** Whether its devices hear less than others, for events of which it is excepted. */
export const isBlockRoom = (room: string) => room.startsWith(BLOCKS);

const isStored = (room: string) => STORED.some((name) => room.startsWith(name));

/**
 * That somebody came into a room, or out of it, is told after its commit; but two such moves, by two nodes, may be told in
 * another order than theirs, and late. So a move only says what is not known any more: until the database has said where
 * the device belongs, what it may have to hear is held for it, and shown if it belongs there then. What was said
 * meanwhile counts as said at that moment.
 */
export abstract class BufferingAdapter extends Adapter {
  /** Told of each device that has come into doubt: it is to be looked up, and settled. */
  onPending?: (socket: DeviceSocket) => void;

  /** How many devices here hear joined chats only. */
  scoped = 0;
  /** Told of each of them that was not shown a message. */
  onSkipped?: (socket: DeviceSocket, chatId: string) => void;

  /** What writes a packet to one device of this namespace after the other; nothing if it is not for them. */
  protected abstract writer(packet: EventPacket): Delivery['write'] | undefined;

  override broadcast(packet: EventPacket, options: BroadcastOptions): void {
    if (this.areEmpty(options.rooms)) return;
    const common = this.writer(packet);
    if (!common) return;
    const [room] = options.rooms;
    const isShared = OF_MESSAGES.has(packet.data[0]) && room!.startsWith(CHAT);
    const write = isShared ? this.hidingNames(packet, common) : common;
    const isScoped = this.scoped > 0 && OF_JOINED.has(packet.data[0]);
    const event = {
      write: isScoped ? this.onlyJoined(packet, write) : write,
      options,
      at: performance.now(),
    };
    this.forEachDevice(options, (socket) => deliver(socket, event));
  }

  /**
   * Shows a packet to some of the devices that are in a room, and to none that has left it. As with everything that goes to
   * the room, it is held for a device of which it is not known.
   */
  sendTo(room: string, sockets: DeviceSocket[], packet: EventPacket): void {
    const write = this.writer(packet);
    if (!write) return;
    const event = { write, options: { rooms: new Set([room]) }, at: performance.now() };
    for (const socket of sockets) if (this.rooms.get(room)?.has(socket.id)) deliver(socket, event);
  }

  audience(room: string): number {
    return this.rooms.get(room)?.size ?? 0;
  }

  /** These users' devices are where they may be, until it is known. */
  refreshSubscriptions(users: Set<string>, room: string): void {
    const at = performance.now();
    for (const user of users)
      for (const id of this.rooms.get(user) ?? []) {
        const socket = this.nsp.sockets.get(id) as DeviceSocket;
        if (isBlockRoom(room)) void this.del(id, room);
        else void this.addAll(id, new Set([room]));
        const isNew = !socket.data.pending;
        socket.data.pending ??= { since: new Map(), buffered: [], overflowed: new Set() };
        socket.data.pending.since.set(room, at);
        if (isNew) this.onPending?.(socket);
      }
  }

  /** Who is signed out is told so before, whatever is in doubt. */
  override disconnectSockets(options: BroadcastOptions, close: boolean): void {
    this.forEachDevice(options, (socket) => {
      const { pending: pending } = socket.data;
      for (const event of pending?.buffered.splice(0) ?? [])
        if (isConfirmed(socket, event, pending!)) event.write(socket);
    });
    super.disconnectSockets(options, close);
  }

  /**
   * Puts a device where it belongs, but for the rooms that came into doubt after it was asked, and shows what was held.
   * @returns the rooms that it is in for certain, and whether it has missed some of what goes there
   */
  resolve(
    socket: DeviceSocket,
    { rooms, at }: SubscriptionSnapshot,
  ): { rooms: Set<string>; hasMissed: boolean } {
    const { pending: pending } = socket.data;
    const isKnown = (room: string) => (pending?.since.get(room) ?? -Infinity) < at;
    const current = new Set(rooms.filter(isKnown));
    for (const room of socket.rooms)
      if (isStored(room) && isKnown(room) && !current.has(room)) void this.del(socket.id, room);
    void this.addAll(socket.id, current);
    if (!pending) return { rooms: current, hasMissed: false };
    for (const room of [...pending.since.keys()].filter(isKnown)) pending.since.delete(room);
    const hasMissed = flush(socket, pending, new Set(rooms), at);
    if (pending.since.size === 0) socket.data.pending = undefined;
    return { rooms: current, hasMissed };
  }

  /** Encodes a packet for the first device that it is written to, once for all. Data that is text has been encoded already. */
  protected encoding(
    packet: Omit<EventPacket, 'data'> & { data: EventPacket['data'] | string },
  ): Delivery['write'] {
    let frame: [packets: string[], options: object] | undefined;
    return (socket) => {
      if (!frame) {
        const options = { preEncoded: true };
        frame = [(this as unknown as Inside)._encode({ ...packet, nsp: this.nsp.name }, options), options];
      }
      (socket as unknown as Writing).client.writeToEngine(...frame);
    };
  }

  /**
   * In a message that a whole chat is shown, a device sees neither the later name nor the picture of those whom a block cuts off
   * from it. Without such a device nothing is looked at but the rooms of those who are named.
   */
  private hidingNames(packet: EventPacket, write: Delivery['write']): Delivery['write'] {
    const message = packet.data[1] as MessageDto;
    const named = namedIn(message).map((id) => ({ id, room: blockedRoom(id) }));
    const isHere = named.some(({ room }) => this.rooms.has(room));
    const forms = new Map<string, Delivery['write']>();
    return (socket) => {
      const { pending: pending } = socket.data;
      if (!isHere && !pending) return write(socket);
      const blocked = named.filter(
        ({ room }) => this.rooms.get(room)?.has(socket.id) || pending?.since.has(room),
      );
      if (blocked.length === 0) return write(socket);
      const key = blocked.map(({ id }) => id).join();
      const hidden = Object.fromEntries(blocked.map(({ id }) => [id, NAMELESS]));
      const form =
        forms.get(key) ?? this.writer({ ...packet, data: [packet.data[0], asNamed(message, hidden)] })!;
      forms.set(key, form);
      form(socket);
    };
  }

  private onlyJoined({ data: [name, payload] }: EventPacket, write: Delivery['write']): Delivery['write'] {
    const { chat_id } = payload as { chat_id: string };
    return (socket) => {
      const { joined } = socket.data;
      if (!joined || joined.has(chat_id)) write(socket);
      else if (name === 'chat:message:new') this.onSkipped?.(socket, chat_id);
    };
  }

  private forEachDevice(options: BroadcastOptions, show: (socket: DeviceSocket) => void): void {
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
  private areEmpty(rooms: Set<string>): boolean {
    for (const room of rooms) if (this.rooms.has(room)) return false;
    return rooms.size > 0 || this.sids.size === 0;
  }
}

/** Tells a device, which is where it may hear it: at once, or when that is known. */
function deliver(socket: DeviceSocket, event: Delivery): void {
  const { pending: pending, openedAt } = socket.data;
  // A device's first event is its welcome.
  if (openedAt === undefined && event.options.rooms.size === 0) return;
  if (!pending || (isConfirmed(socket, event, pending) && isInOrder(event, pending)))
    return event.write(socket);
  // Not yet welcomed, it will sync.
  if (openedAt === undefined) return;
  if (pending.buffered.length < MAX_BUFFERED) return void pending.buffered.push(event);
  const { rooms } = event.options;
  for (const room of rooms.size > 0 ? rooms : [socket.id])
    if (socket.rooms.has(room)) pending.overflowed.add(room);
}

/** Whether it is the device's, whatever is in doubt. */
function isConfirmed(socket: DeviceSocket, { options }: Delivery, { since }: PendingSubscriptions): boolean {
  for (const room of options.except ?? []) if (since.has(room)) return false;
  for (const room of options.rooms) if (socket.rooms.has(room) && !since.has(room)) return true;
  return options.rooms.size === 0;
}

/** Each room's events are shown in their order. */
const isInOrder = ({ options: { rooms } }: Delivery, { buffered: buffered }: PendingSubscriptions): boolean =>
  !buffered.some(({ options }) => {
    for (const room of rooms) if (options.rooms.has(room)) return true;
    return false;
  });

/**
 * An answer decides what was held before it was asked, whatever has been moved since: who is moved all the time hears all
 * the same. @returns whether it has missed any of what was too much to be held
 */
function flush(
  socket: DeviceSocket,
  pending: PendingSubscriptions,
  answer: Set<string>,
  at: number,
): boolean {
  const isIn = (room: string) => (isStored(room) ? answer : socket.rooms).has(room);
  const isPending = (room: string) => pending.since.has(room);
  for (const event of pending.buffered.splice(0)) {
    const [rooms, except] = [[...event.options.rooms], [...(event.options.except ?? [])]];
    const isOpen = [...rooms, ...except].some(isPending) || !isInOrder(event, pending);
    if (event.at >= at && isOpen) pending.buffered.push(event);
    else if ((rooms.length === 0 || rooms.some(isIn)) && !except.some(isIn)) event.write(socket);
  }
  const hasMissed = [...pending.overflowed].some(isIn);
  if (hasMissed) pending.overflowed.clear();
  return hasMissed;
}
