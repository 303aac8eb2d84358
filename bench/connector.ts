import type WebSocket from 'ws';
import { connect } from './raw-client.js';

/**
 * A process that opens thousands of connections as fast as possible, and keeps them open. It is the same for every
 * server.
 */

export type ConnectOrder = { do: 'open'; url: string; auths: object[] } | { do: 'close' };
export interface Opened {
  /** From the first connection attempt until the last device receives events. */
  seconds: number;
  /** The time of each device, milliseconds. */
  waits: Float64Array;
  lost: number;
  /** Share of one core that this process used. */
  driverLoad: number;
}

/** Concurrent connection attempts: below the queue of a listening socket (511), otherwise retries would be measured. */
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

process.on('message', (order: ConnectOrder) => {
  (order.do === 'open' ? open(order.url, order.auths) : close()).then(
    (answer) => process.send!(answer),
    (error: unknown) => process.send!({ failed: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
