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

/** Prefixes of rooms whose members the database decides: they change by node commands. */
const STORED = [chatRoom, followersRoom, friendsRoom, blockedRoom].map((room) => room(''));
const BLOCKS = blockedRoom('');
/** Limit of buffered events per device. When more arrive, the device must sync. */
const MAX_BUFFERED = 100;

/** Devices with `auth: { scope: "joined" }` receive these events only for joined chats. */
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

/** Members of Socket.IO missing in its types. Encoding also creates the WebSocket frame, once for all. */
interface Inside {
  _encode(packet: object, options: object): string[];
  apply(options: BroadcastOptions, show: (socket: DeviceSocket) => void): void;
}
interface Writing {
  client: { writeToEngine(packets: string[], options: object): void };
}

/** Whether the room is one of blocked pairs, whose devices are excluded from events of the other user. */
export const isBlockRoom = (room: string) => room.startsWith(BLOCKS);

const isStored = (room: string) => STORED.some((name) => room.startsWith(name));

/**
 * Membership changes are published after their commit, and two nodes may publish out of commit order. So a change event
 * only makes a subscription pending. Until the subscription has been read from the database, the device's events are
 * buffered. Then they are delivered if the device belongs in the room, and otherwise dropped. They count as published
 * at that moment.
 */
export abstract class BufferingAdapter extends Adapter {
  /** Called for each device with a new pending subscription: it must be loaded and resolved. */
  onPending?: (socket: DeviceSocket) => void;

  /** The number of devices of this process that receive only joined chats. */
  scoped = 0;
  /** Called for each of them that did not receive a message. */
  onSkipped?: (socket: DeviceSocket, chatId: string) => void;

  /** Returns a writer of the packet for devices of this namespace; undefined if it is not for them. */
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
   * Sends a packet to some of the devices in a room, but not to devices that have left it. For devices with a pending
   * subscription, it is buffered, as all events of the room.
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

  /** Makes the room pending for these users' devices. */
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

  /** A signed-out device receives that first, whatever is pending. */
  override disconnectSockets(options: BroadcastOptions, close: boolean): void {
    this.forEachDevice(options, (socket) => {
      const { pending: pending } = socket.data;
      for (const event of pending?.buffered.splice(0) ?? [])
        if (isConfirmed(socket, event, pending!)) event.write(socket);
    });
    super.disconnectSockets(options, close);
  }

  /**
   * Puts a device into its rooms, except rooms that became pending after the load began, and delivers buffered events.
   * @returns the rooms that it is in for certain, and whether it has missed events
   */
  resolve(
    socket: DeviceSocket,
    { rooms, at }: SubscriptionSnapshot,
  ): { rooms: Set<string>; hasMissed: boolean } {
    const { pending: pending } = socket.data;
    const isKnown = (room: string) => (pending?.since.get(room) ?? -Infinity) < at;
    const current = new Set(rooms.filter(isKnown));
    const former = socket.rooms;
    for (const room of former)
      if (isStored(room) && isKnown(room) && !current.has(room)) void this.del(socket.id, room);
    void this.addAll(socket.id, new Set([...current].filter((room) => !former.has(room))));
    if (!pending) return { rooms: current, hasMissed: false };
    for (const room of [...pending.since.keys()].filter(isKnown)) pending.since.delete(room);
    const hasMissed = flush(socket, pending, new Set(rooms), at);
    if (pending.since.size === 0) socket.data.pending = undefined;
    return { rooms: current, hasMissed };
  }

  /** Encodes a packet once, for the first device that it is written to. Text data is already encoded. */
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
   * In a message to a whole chat, a device sees neither the new name nor the picture of people hidden by a block. If no
   * device is concerned, only the rooms of the named people are checked.
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
    // The usual case: with a single room, no device is met twice.
    for (const id of this.rooms.get(room!) ?? []) {
      const socket = this.nsp.sockets.get(id) as DeviceSocket | undefined;
      if (socket) show(socket);
    }
  }

  /** Encoding would be wasted: most users have no device here at any time. No rooms means all devices. */
  private areEmpty(rooms: Set<string>): boolean {
    for (const room of rooms) if (this.rooms.has(room)) return false;
    return rooms.size > 0 || this.sids.size === 0;
  }
}

/** Delivers an event to a device at once, or buffers it while a subscription is pending. */
function deliver(socket: DeviceSocket, event: Delivery): void {
  const { pending: pending, openedAt } = socket.data;
  // No broadcast comes before the device's own first event.
  if (openedAt === undefined && event.options.rooms.size === 0) return;
  if (!pending || (isConfirmed(socket, event, pending) && isInOrder(event, pending)))
    return event.write(socket);
  // A device that is still opening will sync.
  if (openedAt === undefined) return;
  if (pending.buffered.length < MAX_BUFFERED) return void pending.buffered.push(event);
  const { rooms } = event.options;
  for (const room of rooms.size > 0 ? rooms : [socket.id])
    if (socket.rooms.has(room)) pending.overflowed.add(room);
}

/** Whether the device receives the event for certain, whatever is pending. */
function isConfirmed(socket: DeviceSocket, { options }: Delivery, { since }: PendingSubscriptions): boolean {
  for (const room of options.except ?? []) if (since.has(room)) return false;
  for (const room of options.rooms) if (socket.rooms.has(room) && !since.has(room)) return true;
  return options.rooms.size === 0;
}

/** Events of each room are delivered in order. */
const isInOrder = ({ options: { rooms } }: Delivery, { buffered }: PendingSubscriptions): boolean =>
  !buffered.some(({ options }) => {
    for (const room of rooms) if (options.rooms.has(room)) return true;
    return false;
  });

/**
 * Delivers or drops events that were buffered before the load began, even if subscriptions keep changing.
 * @returns whether events were missed because the buffer was full
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
