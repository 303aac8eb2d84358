import type { Adapter } from 'socket.io-adapter';

/** The connected devices of a process. */
export interface Sockets extends Pick<Adapter, 'broadcast' | 'disconnectSockets'> {
  /** Users, by their rooms, entered or left a room. */
  refreshSubscriptions(users: Set<string>, room: string): void;
  /** A chat, by its room, has changed; the users of `except`, by their rooms, are not notified. */
  chatChanged(room: string, except: Set<string>): void;
  /** The users, by their rooms, are not typing any more. */
  typingEnds(users: Set<string>): void;
  /** The number of devices of this process in a room. */
  audience(room: string): number;
}

/**
 * A command for the devices in any of `rooms` and in none of `except`, on each node. For a broadcast, no rooms means
 * all devices.
 */
export interface NodeCommand {
  name: Exclude<keyof Sockets, 'audience'>;
  rooms: string[];
  except?: string[];
  /** The packet, the room that users entered or left, or the room of the changed chat. */
  what?: unknown;
}

export function applyCommand({ name, rooms, except, what }: NodeCommand, sockets: Sockets): void {
  const options = { rooms: new Set(rooms), except: new Set(except) };
  if (name === 'broadcast') sockets.broadcast(what, options);
  else if (name === 'disconnectSockets') sockets.disconnectSockets(options, false);
  else if (name === 'chatChanged') sockets.chatChanged(what as string, options.except);
  else if (name === 'typingEnds') sockets.typingEnds(options.rooms);
  else sockets.refreshSubscriptions(options.rooms, what as string);
}
