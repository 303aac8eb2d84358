import { randomUUID } from 'node:crypto';
import type WebSocket from 'ws';
import { compareDelivered, ledgerOf, DeliveryRecord, type Ledger } from './delivery-record.js';
import { connect } from './raw-client.js';

export interface ChatPlan {
  id: string;
  /** The auth payload of each member's device; one device per member. */
  members: object[];
  /** Number of members who send, in turn. */
  senders: number;
  /** Concurrent sends of this chat that wait for their ack. */
  inFlight: number;
}

export interface Round {
  seconds: number;
  sends: number;
  deliveries: number;
  /** Milliseconds. */
  ackP50: number;
  ackP99: number;
  /** Bytes of the average delivery, and number of events that were neither acks nor messages. */
  frameBytes: number;
  otherEvents: number;
  /** Share of one core that this process used. Near 1, the driver itself was the bottleneck. */
  driverLoad: number;
}

export interface Findings {
  acks: number;
  deliveries: number;
  problems: string[];
  ledgers: { chatId: string; acked: Ledger }[];
}

interface Device {
  socket: WebSocket;
  record: DeliveryRecord;
  nextAckId: number;
  sentAt: Float64Array;
}

interface Chat extends ChatPlan {
  devices: Device[];
  acked: DeliveryRecord;
  turn: number;
  waiting: number;
}

/** A power of two above the number of concurrent sends of a device. */
const SLOTS = 64;
const CONTENT = 'Good evening! Is Thursday at six still free? I would come straight from work.';

/** All devices of one scenario, connected to one server. */
export class Fleet {
  private readonly chats: Chat[] = [];
  private readonly refusals: string[] = [];
  private nodes = 1;
  private lost = 0;
  private latencies: number[] = [];
  private sending = false;
  private closing = false;
  private acks = 0;
  private deliveries = 0;
  private bytes = 0;
  private others = 0;

  /** Connects the members of a chat to the addresses in turn. */
  async open(urls: string[], plans: ChatPlan[]): Promise<void> {
    this.nodes = urls.length;
    for (const plan of plans) {
      const chat: Chat = { ...plan, devices: [], acked: new DeliveryRecord(), turn: 0, waiting: 0 };
      this.chats.push(chat);
      for (let i = 0; i < plan.members.length; i += 25) {
        const some = plan.members.slice(i, i + 25);
        await Promise.all(some.map((auth, j) => this.join(urls[(i + j) % urls.length]!, chat, auth)));
      }
    }
    await this.quiet();
  }

  /** Sends for that time, then waits until everything has arrived. @throws Error (when no send succeeds) */
  async run(seconds: number): Promise<Round> {
    this.latencies = [];
    const before = { acks: this.acks, deliveries: this.deliveries, bytes: this.bytes, others: this.others };
    const cpu = process.cpuUsage();
    const start = performance.now();
    this.sending = true;
    for (const chat of this.chats) for (let i = 0; i < chat.inFlight; i++) this.send(chat);
    await sleep(seconds * 1000);
    this.sending = false;
    const elapsed = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    const latencies = Float64Array.from(this.latencies).sort();
    const deliveries = this.deliveries - before.deliveries;
    const round = {
      seconds: elapsed,
      sends: this.acks - before.acks,
      deliveries,
      ackP50: latencies[Math.floor(latencies.length * 0.5)] ?? NaN,
      ackP99: latencies[Math.floor(latencies.length * 0.99)] ?? NaN,
      frameBytes: (this.bytes - before.bytes) / deliveries,
      otherEvents: this.others - before.others,
      driverLoad: (user + system) / 1e6 / elapsed,
    };
    await this.quiet();
    if (round.sends === 0)
      throw new Error(`nothing was acknowledged; ${this.check().problems[0] ?? 'no answer'}`);
    return round;
  }

  /** Checks the records of all rounds. Call it when nothing is in flight any more. */
  check(): Findings {
    const ledgers = this.chats.map((chat) => ({ chatId: chat.id, acked: ledgerOf(chat.acked) }));
    const problems: string[] = [];
    if (this.lost) problems.push(`${this.lost} connections were lost`);
    if (this.refusals[0])
      problems.push(`${this.refusals.length} sends were refused; one: ${this.refusals[0]}`);
    this.chats.forEach((chat, i) => {
      const { acked } = ledgers[i]!;
      if (chat.waiting > 0) problems.push(`chat ${chat.id}: ${chat.waiting} sends were never answered`);
      if (acked.size !== chat.acked.length)
        problems.push(`chat ${chat.id}: one seq acknowledged to two sends`);
      const wrong = chat.devices.flatMap(
        (device) => compareDelivered(acked, this.inOrder(device.record)) ?? [],
      );
      if (wrong[0])
        problems.push(`chat ${chat.id}: ${wrong.length} devices were served badly; one ${wrong[0]}`);
    });
    return { acks: this.acks, deliveries: this.deliveries, problems, ledgers };
  }

  close(): void {
    this.closing = true;
    for (const chat of this.chats) for (const device of chat.devices) device.socket.close();
  }

  /** With several nodes, a device receives its own node's messages before the other's: `seq` restores the order. */
  private inOrder(record: DeliveryRecord): DeliveryRecord {
    return this.nodes === 1 ? record : record.sorted();
  }

  private async join(url: string, chat: Chat, auth: object): Promise<void> {
    const record = new DeliveryRecord();
    const sentAt = new Float64Array(SLOTS);
    const socket = await connect(url, auth, {
      onMessage: (seq, idTail, bytes) => {
        record.add(seq, idTail);
        this.deliveries++;
        this.bytes += bytes;
      },
      onAck: (ackId, seq, idTail, text) => {
        chat.waiting--;
        // No retries: they would overload a server that refuses everything.
        if (text) return void this.refusals.push(text);
        this.latencies.push(performance.now() - sentAt[ackId % SLOTS]!);
        chat.acked.add(seq, idTail);
        this.acks++;
        if (this.sending) this.send(chat);
      },
      onOther: () => this.others++,
      onClose: () => (this.lost += this.closing ? 0 : 1),
    });
    chat.devices.push({ socket, record, nextAckId: 0, sentAt });
  }

  private send(chat: Chat): void {
    const device = chat.devices[chat.turn++ % chat.senders]!;
    const ackId = device.nextAckId++;
    chat.waiting++;
    device.sentAt[ackId % SLOTS] = performance.now();
    device.socket.send(
      `42${ackId}["chat:message:send",{"chat_id":"${chat.id}","type":"text","content":"${CONTENT}","client_id":"${randomUUID()}"}]`,
    );
  }

  /** Waits until nothing has arrived for half a second (including presence and receipts), at most ten seconds. */
  private async quiet(): Promise<void> {
    let calm = 0;
    for (let i = 0; i < 100 && calm < 5; i++) {
      const seen = this.acks + this.deliveries + this.others;
      await sleep(100);
      calm = seen === this.acks + this.deliveries + this.others ? calm + 1 : 0;
    }
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
