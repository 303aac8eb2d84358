import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type WebSocket from 'ws';
import type { Attack, Tally } from './attack.js';
import { addressOf, Client, flood, hold, post, SOCKET_IO, tcp, webSocket } from './client.js';

/** These attacks need no account. */

const LOGIN = '/api/v2/auth/login';

export const handshakes: Attack = {
  name: 'handshakes',
  what: 'polling handshakes without a CONNECT',
  run: async ({ realtime }, tally, isOver) => {
    const clients = Array.from({ length: 40 }, (_, i) => new Client(realtime, addressOf(i)));
    // Just below the limit of header sizes.
    const headers = { 'x-pad': randomBytes(2500).toString('hex') };
    const path = `${SOCKET_IO}polling&pad=${randomBytes(1200).toString('hex')}`;
    await flood(40, 30_000, isOver, async (i) =>
      tally.answered(await clients[i % clients.length]!.ask('GET', path, { headers })),
    );
  },
};

const HALF = `GET /health HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(4000)}`;
/** Each connection sends the first text at once, and the second one every second. */
const SLOW = [
  [HALF, ''],
  [HALF, 'a'],
  [`${post(LOGIN, 60_000)}{`, ''],
  [`${post(LOGIN, 60_000)}{`, ' '],
  [`${post(LOGIN, 'chunked')}1\r\n{\r\n`, '1\r\n \r\n'],
] as const;

export const slowRequests: Attack = {
  name: 'slow-requests',
  what: 'requests that do not end',
  run: async ({ api }, tally, isOver) => {
    await flood(20, 4000, isOver, async (i) => {
      const [first, drip] = SLOW[i % SLOW.length]!;
      const socket = counted(tally, api, i % 50, first);
      if (drip) dripping(socket, drip);
      await sleep(10);
    });
    await hold(isOver);
  },
};

/** A connection that counts as refused when the server closes it. */
function counted(tally: Tally, url: string, address: number, first: string | Buffer): Socket {
  tally.made += 1;
  return tcp(url, addressOf(address), first, () => (tally.refused += 1));
}

function dripping(socket: Socket, drip: string): void {
  const timer = setInterval(() => socket.write(drip), 1000);
  socket.once('close', () => clearInterval(timer));
}

/** The head of a masked frame of 2 MB, with a mask of zeros. */
const FRAME_HEAD = Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0x1e, 0x84, 0x80, 0, 0, 0, 0]);
const MOST_OF_IT = Buffer.alloc(1_900_000, ' ');
const MOST_OF_A_BODY = Buffer.alloc(60_000, ' ');

export const unfinished: Attack = {
  name: 'unfinished',
  what: 'bodies and frames sent in part',
  run: async ({ api, realtime }, tally, isOver) => {
    await flood(10, 1500, isOver, async (i) => {
      if (i % 10 > 0) {
        counted(tally, api, i % 200, post(LOGIN, 60_001)).write(MOST_OF_A_BODY);
      } else {
        const path = i % 20 ? '/ws/chat' : `${SOCKET_IO}websocket`;
        const socket = await webSocket(realtime, path, addressOf(i % 200));
        tally.made += 1;
        if (!socket) tally.refused += 1;
        socket?.once('close', () => (tally.refused += 1));
        const raw = (socket as unknown as { _socket?: Socket })?._socket;
        raw?.write(Buffer.concat([FRAME_HEAD, MOST_OF_IT]));
      }
      await sleep(20);
    });
    await hold(isOver);
  },
};

export const cutOffUploads: Attack = {
  name: 'cut-off-uploads',
  what: 'uploads that are broken off',
  run: ({ api }, tally, isOver) =>
    flood(20, 5000, isOver, async (i) => {
      tally.made += 1;
      const socket = tcp(api, addressOf(i % 50), post(LOGIN, 60_001), () => {});
      socket.write(MOST_OF_A_BODY.subarray(0, 30_000));
      await sleep(20);
      socket.resetAndDestroy();
    }),
};

export const anonymousAssistants: Attack = {
  name: 'anonymous-assistants',
  what: 'connections to the assistant without a sign-in',
  run: async ({ realtime }, tally, isOver) => {
    await flood(20, 8000, isOver, async (i) => {
      const socket = await webSocket(realtime, '/ws/chat', addressOf(i % 20));
      tally.made += 1;
      if (!socket) tally.refused += 1;
      else chat(socket, tally);
    });
    await hold(isOver);
  },
};

/** Behaves like a signed-in device. */
function chat(socket: WebSocket, tally: Tally): void {
  socket.once('close', () => (tally.refused += 1));
  const sending = setInterval(
    () => socket.send(JSON.stringify({ type: 'message', data: { message: 'Hello' } })),
    2000,
  );
  socket.once('close', () => clearInterval(sending));
}
