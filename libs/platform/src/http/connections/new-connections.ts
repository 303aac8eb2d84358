import type { Server } from 'node:http';
import { NetworkCounts } from '../../limits/network-counts.js';
import { canonicalAddress, networkOf } from '../client-address.js';

const WINDOW_MS = 1000;

/** Members of Node.js that are missing in its types: it calls `onconnection` for each connection that it accepts. */
interface Accepted {
  getpeername(into: { address?: string }): number;
  close(): void;
}
interface Listening {
  _handle: { onconnection: (status: number, accepted?: Accepted) => void };
}

/**
 * Bounds the new connections of an address. Node.js accepts one connection in a turn of the event loop, in the order of
 * their arrival. So one client that connects again and again would delay the first request of everybody. A connection
 * beyond the limit is closed before it costs a socket and a parser.
 * @param ofOne the limit of an address in a second
 * @param onEnd called for each closed connection
 */
export function boundNewConnections(server: Server, ofOne: number, onEnd: () => void): void {
  let counts = new NetworkCounts({ ofOne });
  const timer = setInterval(() => (counts = new NetworkCounts({ ofOne })), WINDOW_MS).unref();
  server.on('close', () => clearInterval(timer));
  server.on('listening', () => {
    const { _handle: handle } = server as Server & Listening;
    const accept = handle.onconnection;
    handle.onconnection = function (status, accepted) {
      const peer: { address?: string } = {};
      accepted?.getpeername(peer);
      const network = networkOf(canonicalAddress(peer.address ?? '') ?? '');
      if (accepted && counts.refusalOf(network)) {
        accepted.close();
        return onEnd();
      }
      counts.add(network, 1);
      accept.call(this, status, accepted);
    };
  });
}
