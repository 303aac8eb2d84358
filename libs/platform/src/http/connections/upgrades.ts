import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Parsed } from './unanswered.js';

/**
 * Answers requests for an upgrade to another protocol than WebSocket as if they did not ask for it. By default,
 * HTTP clients of Java ask for HTTP/2. Node.js would pass each upgrade to the listeners for WebSockets.
 */
export function ignoreOtherUpgrades(server: Server): void {
  server.on('connection', (socket: Socket) => {
    const { parser } = socket as Socket & Parsed;
    const { onIncoming } = parser;
    parser.onIncoming = (request, keepsAlive) => {
      const { upgrade } = request.headers;
      if (upgrade !== undefined && upgrade.toLowerCase() !== 'websocket' && request.method !== 'CONNECT')
        request.upgrade = false;
      return onIncoming(request, keepsAlive);
    };
  });
}
