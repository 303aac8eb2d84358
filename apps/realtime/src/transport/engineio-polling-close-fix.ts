import type { Server, Socket } from 'engine.io';

/** How long the server waits for a last poll to close with, ms: clients poll again at once. */
const LAST_POLL_MS = 3000;

/** Members of Engine.IO's polling that are missing in its types: its wait for a poll to close with. */
interface Polling {
  closeTimeout: number;
  shouldClose?: (() => void) | null;
}

/**
 * A client that is disconnected while it upgrades to WebSocket does not poll again, nor does one whose session ended
 * with an error. Engine.IO waits 30 s for a poll to close with, which delays the end of a process.
 */
export function fixClosedPolls(engine: Pick<Server, 'on'>): void {
  engine.on('connection', (socket: Socket) => {
    if (socket.transport.name === 'websocket') return;
    const polling = socket.transport as unknown as Polling;
    polling.closeTimeout = LAST_POLL_MS;
    for (const end of ['upgrade', 'close']) socket.once(end, () => polling.shouldClose?.());
  });
}
