import type { Server, Socket } from 'engine.io';
import { sessionOf } from './internals.js';

/** How long the server waits for a last poll to close with, ms: clients poll again at once. */
const LAST_POLL_MS = 3000;

/**
 * A client that is disconnected while it upgrades to WebSocket does not poll again, nor does one whose session ended
 * with an error. Engine.IO waits 30 s for a poll to close with, which delays the end of a process. Remove this
 * when Engine.IO ends such a session at once: it has no setting for it (packages/engine.io/lib/transports/polling.ts).
 */
export function fixClosedPolls(engine: Pick<Server, 'on'>): void {
  engine.on('connection', (socket: Socket) => {
    if (socket.transport.name === 'websocket') return;
    const polling = sessionOf(socket).transport;
    polling.closeTimeout = LAST_POLL_MS;
    for (const end of ['upgrade', 'close']) socket.once(end, () => polling.shouldClose?.());
  });
}
