import type { PayloadOf, ServerEvent } from '#contracts';
import { WORK, inParts } from '#platform';
import { Injectable } from '@nestjs/common';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { EventPublisher } from './publisher.js';
import { userTopic } from './topics.js';

const { packets: MAX_PACKETS, together: MAX_TOGETHER, waiting: MAX_WAITING } = WORK.queuedEvents.most;

interface Part {
  event: ServerEvent;
  payloads: PayloadOf<ServerEvent>[];
}

/**
 * Publishes many events of users in small parts, since each event is a packet for every device of its user. The event
 * loop does other work between two turns. The events of a user keep their order, and users take turns.
 */
@Injectable()
export class EventQueue {
  private readonly byUser = new Map<string, Part[]>();
  private waiting = 0;
  private isScheduled = false;

  constructor(private readonly publisher: EventPublisher) {}

  get isFull(): boolean {
    return this.waiting >= MAX_WAITING;
  }

  /** Resolves when the queue is not full. */
  async hasRoom(): Promise<void> {
    while (this.isFull) await nextTurn();
  }

  add<E extends ServerEvent>(userId: string, event: E, payloads: PayloadOf<E>[]): void {
    const parts = this.byUser.get(userId) ?? [];
    for (const part of inParts(payloads, MAX_TOGETHER)) parts.push({ event, payloads: part });
    this.byUser.set(userId, parts);
    this.waiting += payloads.length;
    this.schedule();
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      this.publishSome();
      if (this.byUser.size > 0) this.schedule();
    });
  }

  private publishSome(): void {
    let packets = 0;
    // A user with more events is set again, so this loop meets it again after the others.
    for (const [userId, parts] of this.byUser) {
      const { event, payloads } = parts[0]!;
      // Other nodes receive each command, whether or not this node has devices.
      const cost = Math.max(payloads.length * this.publisher.audience(userTopic(userId)), MAX_TOGETHER);
      if (packets > 0 && packets + cost > MAX_PACKETS) return;
      packets += cost;
      parts.shift();
      this.waiting -= payloads.length;
      this.byUser.delete(userId);
      if (parts.length > 0) this.byUser.set(userId, parts);
      this.publisher.publishEach(userTopic(userId), event, payloads);
    }
  }
}
