import type { PayloadOf } from '#contracts';
import { WORK, type RealtimeEmitter } from '#platform';
import { setImmediate as nextTurn } from 'node:timers/promises';

const { packets: MAX_PACKETS, together: MAX_TOGETHER, waiting: MAX_WAITING } = WORK.receiptPackets.most;

type ReceiptEvent = 'chat:message:delivered' | 'chat:message:read';
interface Part {
  event: ReceiptEvent;
  payloads: PayloadOf<ReceiptEvent>[];
}

/**
 * Publishes receipts in small parts, since each receipt is a packet for every device of the sender. The event loop does
 * other work between two turns. The receipts of a sender keep their order, and senders take turns.
 */
export class ReceiptQueue {
  private readonly bySender = new Map<string, Part[]>();
  private waiting = 0;
  private isScheduled = false;

  constructor(private readonly emitter: Pick<RealtimeEmitter, 'toUserEach' | 'devicesOf'>) {}

  get isFull(): boolean {
    return this.waiting >= MAX_WAITING;
  }

  /** Resolves when the queue is not full. */
  async hasRoom(): Promise<void> {
    while (this.isFull) await nextTurn();
  }

  add(senderId: string, event: ReceiptEvent, payloads: PayloadOf<ReceiptEvent>[]): void {
    const parts = this.bySender.get(senderId) ?? [];
    for (let i = 0; i < payloads.length; i += MAX_TOGETHER)
      parts.push({ event, payloads: payloads.slice(i, i + MAX_TOGETHER) });
    this.bySender.set(senderId, parts);
    this.waiting += payloads.length;
    this.schedule();
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      this.publishSome();
      if (this.bySender.size > 0) this.schedule();
    });
  }

  private publishSome(): void {
    let packets = 0;
    // A sender with more receipts is set again, so this loop meets it again after the others.
    for (const [senderId, parts] of this.bySender) {
      const { event, payloads } = parts[0]!;
      // Other nodes receive each command, whether or not this node has devices.
      const cost = Math.max(payloads.length * this.emitter.devicesOf(senderId), MAX_TOGETHER);
      if (packets > 0 && packets + cost > MAX_PACKETS) return;
      packets += cost;
      parts.shift();
      this.waiting -= payloads.length;
      this.bySender.delete(senderId);
      if (parts.length > 0) this.bySender.set(senderId, parts);
      this.emitter.toUserEach(senderId, event, payloads);
    }
  }
}
