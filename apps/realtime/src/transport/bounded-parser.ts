import type { Server, Socket } from 'engine.io';
import type { Visit } from '../connections/admission.js';
import { visitOf } from './handshakes.js';
import { sessionOf, type EngineParser, type EnginePacket, type EngineTransport } from './internals.js';
import { PacketRate } from './packet-rate.js';

/** It ends the session. */
const ERROR: EnginePacket = { type: 'error', data: 'too many packets' };
/** Between the packets of a payload, and at the end of the length of a binary packet in Engine.IO 3. */
const SEPARATOR = { text: '\x1e', binary: 255 };

/** Bounds the packets of a transport, of any kind and before they are handled. */
class BoundedParser implements EngineParser {
  private readonly rate: PacketRate;

  constructor(
    private readonly own: EngineParser,
    visit: Visit,
  ) {
    this.rate = new PacketRate(visit);
  }

  encodePacket(...args: unknown[]): unknown {
    return this.own.encodePacket(...args);
  }

  encodePayload(...args: unknown[]): unknown {
    return this.own.encodePayload(...args);
  }

  decodePacket(...args: unknown[]): EnginePacket {
    return this.counted(this.own.decodePacket(...args));
  }

  /** A payload may have a million packets. `then` is the callback of Engine.IO 3. */
  decodePayload(payload: string | Buffer, then?: (packet: EnginePacket) => unknown): EnginePacket[] | void {
    if (hasTooMany(payload, this.rate.most)) return then ? void then(ERROR) : [ERROR];
    if (then) return this.own.decodePayload(payload, (packet) => then(this.counted(packet)));
    return (this.own.decodePayload(payload) as EnginePacket[]).map((packet) => this.counted(packet));
  }

  private counted(packet: EnginePacket): EnginePacket {
    const kind = packet.type === 'message' && typeof packet.data === 'string' ? 'event' : 'other';
    return this.rate.take(kind) ? packet : ERROR;
  }
}

export function boundPackets(engine: Pick<Server, 'on'>): void {
  engine.on('connection', (connected: Socket) => {
    const session = sessionOf(connected);
    bound(session.transport, visitOf(session));
    session.on('upgrading', boundUpgrade);
  });
}

function bound(transport: EngineTransport, visit: Visit): void {
  if (transport.parser instanceof BoundedParser) return;
  transport.parser = new BoundedParser(transport.parser, visit);
}

/** One function for all sessions. */
function boundUpgrade(transport: EngineTransport): void {
  bound(transport, visitOf(transport.socket!._socket!));
}

function hasTooMany(payload: string | Buffer, most: number): boolean {
  let at = -1;
  for (let packets = 1; packets <= most; packets++) {
    at =
      typeof payload === 'string'
        ? payload.indexOf(SEPARATOR.text, at + 1)
        : payload.indexOf(SEPARATOR.binary, at + 1);
    if (at === -1) return false;
  }
  return true;
}
