import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';

/** One of 16 million loopback addresses, all of which are local on Linux. */
export const addressOf = (i: number): string => `127.${50 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;

export const SOCKET_IO = '/socket.io/?EIO=4&transport=';

export interface Asked {
  token?: string;
  body?: object;
  headers?: Record<string, string>;
}

/** REST from one source address, over persistent connections. */
export class Client {
  private readonly agent: Agent;

  constructor(
    private readonly url: string,
    private readonly localAddress: string,
    maxSockets = 100,
  ) {
    this.agent = new Agent({ keepAlive: true, maxSockets });
  }

  /**
   * @param path below /api/v2, or an absolute path
   * @returns the status; 0 without an answer
   */
  ask(method: string, path: string, { token, body, headers }: Asked = {}): Promise<number> {
    const payload = body && JSON.stringify(body);
    return new Promise((resolve) => {
      const asked = request(
        new URL(path.startsWith('/') ? path : `/api/v2/${path}`, this.url),
        {
          method,
          agent: this.agent,
          localAddress: this.localAddress,
          headers: {
            ...headers,
            ...(token && { authorization: `Bearer ${token}` }),
            ...(payload && {
              'content-type': 'application/json',
              'content-length': Buffer.byteLength(payload),
            }),
          },
          timeout: 10_000,
        },
        (response) => {
          response.resume();
          response.once('end', () => resolve(response.statusCode!));
          response.once('error', () => resolve(0));
        },
      );
      asked.once('timeout', () => asked.destroy());
      asked.on('error', () => resolve(0));
      asked.end(payload);
    });
  }
}

/** Runs concurrent steps until the attack is over or `most` steps were made. */
export async function flood(
  atOnce: number,
  most: number,
  isOver: () => boolean,
  step: (i: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (!isOver() && next < most) await step(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** Keeps connections open for the rest of the attack. */
export async function hold(isOver: () => boolean): Promise<void> {
  while (!isOver()) await sleep(100);
}

/** A connection that sends `first`, and reports its end. */
export function tcp(url: string, localAddress: string, first: string | Buffer, onEnd: () => void): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), localAddress });
  socket.on('error', () => {});
  socket.once('close', onEnd);
  socket.write(first);
  return socket;
}

/** An open WebSocket; undefined when it is refused. */
export function webSocket(url: string, path: string, localAddress: string): Promise<WebSocket | undefined> {
  const socket = new WebSocket(url.replace('http', 'ws') + path, { localAddress, perMessageDeflate: false });
  return new Promise((resolve) => {
    socket.once('open', () => resolve(socket));
    socket.on('error', () => resolve(undefined));
  });
}

export const post = (path: string, length: number | 'chunked'): string =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
  (length === 'chunked' ? 'Transfer-Encoding: chunked\r\n\r\n' : `Content-Length: ${length}\r\n\r\n`);
