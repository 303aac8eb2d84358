import type { Adapter } from 'socket.io-adapter';

/** A process's connected devices. */
export interface Sockets extends Pick<Adapter, 'broadcast' | 'disconnectSockets'> {
  /** Users, by their rooms, who came into a room or out of it. */
  refreshSubscriptions(users: Set<string>, room: string): void;
  /** A chat, by its room, is no longer as it was shown; not told to the users of `except`, by their rooms. */
  chatChanged(room: string, except: Set<string>): void;
  /** Nobody types in a chat, by its room, any more. */
  typingEnds(room: string): void;
  /** How many devices are in a room here. */
  audience(room: string): number;
}

/** What is done to the sockets that are in any of `rooms` and in none of `except`, on each node. To broadcast, no rooms are all. */
export interface NodeCommand {
  name: Exclude<keyof Sockets, 'audience'>;
  rooms: string[];
  except?: string[];
  /** The packet, the room that they came into or out of, or that of the chat. */
  what?: unknown;
}

export function applyCommand({ name, rooms, except, what }: NodeCommand, sockets: Sockets): void {
  const options = { rooms: new Set(rooms), except: new Set(except) };
  if (name === 'broadcast') sockets.broadcast(what, options);
  else if (name === 'disconnectSockets') sockets.disconnectSockets(options, false);
  else if (name === 'chatChanged') sockets.chatChanged(what as string, options.except);
  else if (name === 'typingEnds') sockets.typingEnds(what as string);
  else sockets.refreshSubscriptions(options.rooms, what as string);
}
