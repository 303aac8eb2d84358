/**
 * Members of Socket.IO 4.8.3, Engine.IO 6.6.11 and ws 8.21.3 that are missing in their types. The versions are pinned,
 * and `internals.spec.ts` checks that they have these members.
 *
 * - https://github.com/socketio/socket.io/tree/socket.io@4.8.3/packages/socket.io/lib
 * - https://github.com/socketio/socket.io/tree/engine.io@6.6.11/packages/engine.io/lib
 * - https://github.com/websockets/ws/tree/8.21.3/lib
 */
import type { IncomingMessage } from 'node:http';
import type { Socket as TcpSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { PacketRate } from './packet-rate.js';

/** A session of Engine.IO. */
export interface EngineSession extends NodeJS.EventEmitter {
  protocol: number;
  upgrading: boolean;
  request: unknown;
  flush(): void;
  close(discard?: boolean): void;
  writeBuffer: { data?: unknown }[];
  transport: EngineTransport;
}

export interface EngineTransport {
  name: string;
  writable: boolean;
  parser: EngineParser;
  /** Only a WebSocket transport has it. */
  socket?: { _socket?: TcpSocket };
  /** How long a polling transport waits for a poll to close with. */
  closeTimeout?: number;
  shouldClose?: (() => void) | null;
}

export interface EnginePacket {
  type: string;
  data?: unknown;
}

/** The parser of Engine.IO 4, or of 3, which passes each packet of a payload to `then`. */
export interface EngineParser {
  encodePacket(...args: unknown[]): unknown;
  encodePayload(...args: unknown[]): unknown;
  decodePacket(...args: unknown[]): EnginePacket;
  decodePayload(payload: string | Buffer, then?: (packet: EnginePacket) => unknown): EnginePacket[] | void;
}

export interface EngineRequest extends IncomingMessage {
  _query: Record<string, unknown>;
}

/** A connection of Socket.IO, with its devices in all namespaces. */
interface Client {
  sockets: Map<string, unknown>;
  writeToEngine(packets: string[], options: object): void;
  conn: { close(discard?: boolean): void };
}

interface Entering {
  /** By which a connection enters the namespace. */
  _add(client: Client, auth: object, then: (socket: unknown) => void): Promise<void>;
}

interface Encoding {
  /** Also creates the WebSocket frame, in `options`. */
  _encode(packet: object, options: object): string[];
}

/** It stores pieces here until a message is complete. */
export interface Receiver {
  _buffers: Buffer[];
  /** A new array for each message. */
  _fragments: Buffer[];
  _write(this: Receiver, piece: Buffer, encoding: BufferEncoding, done: (error?: Error) => void): void;
  /** Reads the head of a frame; afterwards the state is another, if the head has arrived. */
  getInfo(this: Receiver, done: (error: Error) => void): void;
  _state: number;
  _opcode: number;
  /** The operation code of a message in several frames, 0 for others. */
  _fragmented: number;
  createError(type: ErrorConstructor, message: string, prefix: boolean, status: number, code: string): Error;
  webSocket: WebSocket;
  rate: PacketRate;
  tcp: Duplex;
  /** The fragments of the message that was incomplete after the last piece. */
  counted?: Buffer[];
}

interface WebSocketInside {
  _receiver: Receiver;
  _socket?: TcpSocket;
}

const clientsOf = (engine: object) => (engine as { clients: Record<string, EngineSession> }).clients;
export const sessionsOf = (engine: object): EngineSession[] => Object.values(clientsOf(engine));
/** @param id of any type */
export const sessionOfId = (engine: object, id: unknown): EngineSession | undefined =>
  Object.hasOwn(clientsOf(engine), String(id)) ? clientsOf(engine)[String(id)] : undefined;
export const sessionOf = (engineSocket: object) => engineSocket as EngineSession;
export const clientOf = ({ client }: { client: object }) => client as Client;
export const enteringOf = (namespace: object) => namespace as Entering;
export const encodingOf = (adapter: object) => adapter as Encoding;
export const insideOf = (webSocket: object) => webSocket as WebSocketInside;
