import type { Adapter } from 'socket.io-adapter';

export type Sockets = Pick<Adapter, 'broadcast' | 'addSockets' | 'delSockets' | 'disconnectSockets'>;

/** What is done to the sockets that are in any of `rooms` and in none of `except`, on each node. No rooms are all. */
export interface Deed {
  name: keyof Sockets;
  rooms: string[];
  except?: string[];
  /** The packet, or the rooms to join or to leave. */
  what?: unknown;
}

export function carryOut({ name, rooms, except, what }: Deed, sockets: Sockets): void {
  const options = { rooms: new Set(rooms), except: new Set(except) };
  if (name === 'broadcast') sockets.broadcast(what, options);
  else if (name === 'disconnectSockets') sockets.disconnectSockets(options, false);
  else sockets[name](options, what as string[]);
}
