import type WebSocket from 'ws';
import { connect } from './wire.js';

/**
 * A process that opens thousands of connections as fast as they are taken, and holds them. The same one for every server.
 */

export type CrowdOrder = { do: 'open'; url: string; auths: object[] } | { do: 'close' };
export interface Opened {
  /** From the first connecting to the last device that is in its rooms. */
  seconds: number;
  /** Milliseconds, of each device. */
  waits: Float64Array;
  lost: number;
  /** Share of one core that this process took. */
  driverLoad: number;
}

/** Connecting at any time: below what a listening socket queues (511), or it is its retries that are measured. */
const AT_ONCE = 400;

const nothing = { onMessage: () => {}, onAck: () => {}, onOther: () => {} };
let sockets: WebSocket[] = [];
let lost = 0;

async function open(url: string, auths: object[]): Promise<Opened> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const waits = new Float64Array(auths.length);
  let next = 0;
  const connectInTurn = async () => {
    while (next < auths.length) {
      const at = next++;
      const began = performance.now();
      sockets.push(await connect(url, auths[at]!, { ...nothing, onClose: () => void lost++ }));
      waits[at] = performance.now() - began;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, connectInTurn));
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { seconds, waits, lost, driverLoad: (user + system) / 1e6 / seconds };
}

async function close(): Promise<object> {
  const gone = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
  for (const socket of sockets) socket.close();
  await Promise.all(gone);
  sockets = [];
  lost = 0;
  return {};
}

process.on('message', (order: CrowdOrder) => {
  (order.do === 'open' ? open(order.url, order.auths) : close()).then(
    (answer) => process.send!(answer),
    (error: unknown) => process.send!({ failed: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
