import WebSocket from 'ws';

/**
 * The part of Engine.IO 4 and Socket.IO 5 that a driver needs, on raw text frames. A full client would parse every
 * frame, on the cores that are measured. Here a frame stays bytes, and only the needed parts are read.
 */

const EVENT = 0x32; // '2' of `42[…`
const ACK = 0x33; // '3' of `43<id>[…`
const PING = 0x32; // a frame of its own: `2`
const MESSAGE = 0x34; // '4' of `42`, `43`, `40`

const NAME_AT = 4; // behind `42["`
const NEW_MESSAGE = Buffer.from('chat:message:new"');
const READY = Buffer.from('sync:required"');
const SEQ = Buffer.from('"seq":');
const ID = Buffer.from('"id":"');
const MESSAGE_ID = Buffer.from('"message_id":"');

/** The parts of frames that a benchmark needs. */
export interface Listener {
  onMessage(seq: number, idTail: number, bytes: number): void;
  /** `seq` is -1 when the server refused; then `text` is the answer. */
  onAck(ackId: number, seq: number, idTail: number, text?: string): void;
  onOther(): void;
  onClose(): void;
}

/** Connects one device and resolves when it receives events (from `sync:required` on). */
export function connect(
  url: string,
  auth: object,
  listener: Listener,
  localAddress?: string,
): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/socket.io/?EIO=4&transport=websocket`, {
    perMessageDeflate: false,
    skipUTF8Validation: true,
    localAddress,
  });
  return new Promise((resolve, reject) => {
    let ready = false;
    socket.on('message', (data: Buffer) => {
      if (data[0] === PING) return socket.send('3');
      if (data[0] === 0x30) return socket.send(`40${JSON.stringify(auth)}`);
      if (data[0] !== MESSAGE) return;
      if (data[1] === ACK) return readAck(data, listener);
      if (data[1] !== EVENT) return;
      if (startsAt(data, NAME_AT, NEW_MESSAGE)) {
        return listener.onMessage(numberBehind(data, SEQ), tailBehind(data, ID), data.length);
      }
      if (!ready && startsAt(data, NAME_AT, READY)) {
        ready = true;
        return resolve(socket);
      }
      listener.onOther();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      if (ready) listener.onClose();
      else reject(new Error(`${url} closed the connection before it was ready`));
    });
  });
}

function readAck(data: Buffer, listener: Listener): void {
  let ackId = 0;
  let at = 2;
  for (; data[at] !== 0x5b; at++) ackId = ackId * 10 + data[at]! - 48; // up to '['
  const seq = numberBehind(data, SEQ);
  if (seq < 0) listener.onAck(ackId, -1, 0, data.toString());
  else listener.onAck(ackId, seq, tailBehind(data, MESSAGE_ID));
}

/**
 * The last 48 bits of a message's id: exact in a double, and random in a UUID, so two messages of one run never share
 * them. Ids as strings would take too much memory of the driver.
 */
export function idTail(id: string): number {
  return parseInt(id.slice(-12), 16);
}

function startsAt(data: Buffer, at: number, text: Buffer): boolean {
  for (let i = 0; i < text.length; i++) if (data[at + i] !== text[i]) return false;
  return true;
}

function numberBehind(data: Buffer, key: Buffer): number {
  let at = data.indexOf(key);
  if (at < 0) return -1;
  let value = 0;
  for (at += key.length; data[at]! >= 48 && data[at]! <= 57; at++) value = value * 10 + data[at]! - 48;
  return value;
}

function tailBehind(data: Buffer, key: Buffer): number {
  const at = data.indexOf(key) + key.length + 24;
  let value = 0;
  for (let i = 0; i < 12; i++) {
    const digit = data[at + i]!;
    value = value * 16 + (digit < 58 ? digit - 48 : (digit | 0x20) - 87);
  }
  return value;
}
