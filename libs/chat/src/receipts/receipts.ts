import { MAX_RECEIPT_MEMBERS, type PayloadOf } from '#contracts';
import { WORK, KeyedQueue, PrismaService, logFailure, logger, retry } from '#platform';
import { EventPublisher, EventQueue, userTopic } from '#realtime';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { AdvancedCursor } from './read-cursors.sql.js';
import {
  MAX_RECEIPTS,
  messagesCovered,
  newestOfSenders,
  type CoveredRow,
  type SeenRow,
} from './receipts.sql.js';

/** Limit of messages that the cursors of one look-up may have moved over. */
const MAX_TOGETHER = WORK.receipts.most.together;
/** The number of attempts after a failed publish. */
const RETRIES = 60;
/** In large chats: at most one receipt of each kind per second and chat. */
const LARGE_CHAT_MS = WORK.receiptCounts.most.interval;

/** Notifies senders that their messages were delivered and read. */
@Injectable()
export class Receipts implements OnModuleDestroy {
  /** Large chats with moved cursors, until their count begins. */
  private readonly largeChats = new Map<string, { after: number; timer: NodeJS.Timeout }>();
  /** Each count reads all members of a chat, so one runs at a time. */
  private readonly counts = new KeyedQueue();
  /** Receipts after long absences are published one part after the other. */
  private readonly late = new KeyedQueue();

  constructor(
    private readonly prisma: PrismaService,
    private readonly publisher: EventPublisher,
    private readonly queue: EventQueue,
  ) {}

  onModuleDestroy(): void {
    for (const { timer } of this.largeChats.values()) clearTimeout(timer);
  }

  publish(cursors: AdvancedCursor[]): void {
    const advanced = cursors.filter((m) => m.new_read > m.old_read || m.new_delivered > m.old_delivered);
    const small = advanced.filter((m) => m.member_count <= MAX_RECEIPT_MEMBERS);
    const parts = byLookUp(small);
    if (!this.queue.isFull) void this.publishWithRetry(parts.shift() ?? []);
    for (const part of parts)
      void this.late.run('', async () => {
        await this.queue.hasRoom();
        await this.publishWithRetry(part);
      });
    for (const { chat_id, old_read, old_delivered } of advanced.filter(
      (m) => m.member_count > MAX_RECEIPT_MEMBERS,
    ))
      this.publishSoon(chat_id, Math.min(old_read, old_delivered));
  }

  /** The cursors are stored, so their receipts must follow: retried while the database is unavailable. */
  private async publishWithRetry(cursors: AdvancedCursor[]): Promise<void> {
    let triesLeft = RETRIES;
    const publish = async () => {
      if (triesLeft >= 0) await this.publishEach(cursors);
    };
    await retry(publish, (error) =>
      logger.warn({ err: error.message, triesLeft: triesLeft-- }, 'receipt publish failed, retrying'),
    );
  }

  private async publishEach(cursors: AdvancedCursor[]): Promise<void> {
    if (cursors.length === 0) return;
    const at = new Date().toISOString();
    const byOrd = new Map(cursors.map((cursor) => [cursor.ord, cursor]));
    const delivered = new Map<string, PayloadOf<'chat:message:delivered'>[]>();
    const read = new Map<string, PayloadOf<'chat:message:read'>[]>();
    const [row] = await this.prisma.$queryRaw<CoveredRow[]>`${messagesCovered(cursors)}`;
    for (const [ord, id, seq, sender] of row?.covered ?? []) {
      const { chat_id, user_id, old_delivered, new_delivered, old_read, new_read } = byOrd.get(ord)!;
      if (seq > old_delivered && seq <= new_delivered) {
        const event = { message_id: id, chat_id, delivered_to: user_id, delivered_at: at };
        push(delivered, sender, event);
      }
      if (seq > old_read && seq <= new_read) {
        const event = { message_id: id, chat_id, read_by: user_id, read_at: at };
        push(read, sender, event);
      }
    }
    for (const [sender, events] of delivered) this.queue.add(sender, 'chat:message:delivered', events);
    for (const [sender, events] of read) this.queue.add(sender, 'chat:message:read', events);
  }

  private publishSoon(chatId: string, after: number): void {
    const waiting = this.largeChats.get(chatId);
    if (waiting) {
      waiting.after = Math.min(waiting.after, after);
      return;
    }
    const announce = async () => {
      const { after } = this.largeChats.get(chatId)!;
      this.largeChats.delete(chatId);
      await this.announceCounts(chatId, after);
    };
    const enqueue = () => void this.counts.run('', announce).catch(logFailure('receipt publish failed'));
    this.largeChats.set(chatId, { after, timer: setTimeout(enqueue, LARGE_CHAT_MS) });
  }

  /** Notifies the latest senders how many members have received and read their newest message. */
  private async announceCounts(chatId: string, after: number): Promise<void> {
    const newest = await this.prisma.$queryRaw<SeenRow[]>`${newestOfSenders(chatId, after)}`;
    const at = new Date().toISOString();
    for (const { id: message_id, sender_id, delivered_count, read_count } of newest) {
      const receipt = { message_id, chat_id: chatId };
      if (delivered_count > 0)
        this.publisher.publish(userTopic(sender_id), 'chat:message:delivered', {
          ...receipt,
          delivered_count,
          delivered_at: at,
        });
      if (read_count > 0)
        this.publisher.publish(userTopic(sender_id), 'chat:message:read', {
          ...receipt,
          read_count,
          read_at: at,
        });
    }
  }
}

/** Groups cursors whose messages are looked up together. */
function byLookUp(cursors: AdvancedCursor[]): AdvancedCursor[][] {
  const parts: AdvancedCursor[][] = [];
  let covered = Infinity;
  for (const cursor of cursors) {
    const way = cursor.new_read - cursor.old_read + cursor.new_delivered - cursor.old_delivered;
    covered += Math.min(way, MAX_RECEIPTS);
    if (covered > MAX_TOGETHER) {
      parts.push([]);
      covered = Math.min(way, MAX_RECEIPTS);
    }
    parts.at(-1)!.push(cursor);
  }
  return parts;
}

function push<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key);
  if (list) list.push(item);
  else lists.set(key, [item]);
}
