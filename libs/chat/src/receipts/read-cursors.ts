import { notMember } from '../membership/membership.js';
import { RETRY_MS, WORK, Batcher, Metrics, PrismaService, logger } from '#platform';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { advanceCursors, type AdvancedCursor, type CursorRow } from './read-cursors.sql.js';
import { Receipts } from './receipts.js';
import { WriteMutex } from '../messages/write-mutex.js';
import { UNREAD_COUNT } from './unread.js';

/** A member has received, or read, everything up to `seq`. */
interface ReadCursorUpdate {
  chatId: string;
  userId: string;
  kind: 'delivered' | 'read';
  seq: number;
  /** The member's cursors before a first part of a long move. */
  from?: Before;
}
type Before = Pick<AdvancedCursor, 'old_read' | 'old_delivered'>;

/** How long deliveries are collected, ms. */
const RECORD_MS = 50;
const MAX_RECORDED = WORK.readCursors.most;
/** Limit of cursors per statement. */
const MAX_CURSORS = 5000;
const isBehind = ({ is_behind, new_read }: AdvancedCursor, { seq }: ReadCursorUpdate) =>
  is_behind && new_read < seq;
const chatOf = ({ chatId }: ReadCursorUpdate) => chatId;

/**
 * Stores delivered and read cursors in batches. Each moved cursor takes a change number of the chat, so that an offline
 * device gets it later. In a chat closed by a block, it takes none, since the other member must not see it; the
 * member's own devices get it by `sync`.
 */
@Injectable()
export class ReadCursors implements OnModuleDestroy {
  private readonly batcher = new Batcher<ReadCursorUpdate, AdvancedCursor>(
    (batch) => this.mutex.write(batch, chatOf, (some) => this.flush(some)),
    {
      maxBatch: MAX_CURSORS,
      maxQueued: WORK.readCursors.most,
      onRefused: () => this.metrics.refuse(WORK.readCursors),
      intervalMs: 20,
    },
  );
  /** Deliveries to be stored in the next round, by chat and member; no caller waits for them. */
  private readonly recorded = new Map<string, ReadCursorUpdate>();
  private recordTimer?: NodeJS.Timeout;

  constructor(
    private readonly prisma: PrismaService,
    private readonly receipts: Receipts,
    private readonly mutex: WriteMutex,
    private readonly metrics: Metrics,
  ) {}

  /**
   * A long move is made in steps, so that other writes do not wait for it.
   * @throws AppError FORBIDDEN (when the user is no longer a member), UNAVAILABLE
   */
  async advance(update: ReadCursorUpdate): Promise<AdvancedCursor> {
    let advanced = await this.batcher.add(update);
    while (isBehind(advanced, update)) {
      advanced = await this.batcher.add({ ...update, from: advanced });
    }
    return advanced;
  }

  /**
   * Records that a device received everything up to `seq`. Stored soon, and retried while the database is unavailable.
   */
  record(chatId: string, userId: string, seq: number): void {
    const key = `${chatId}:${userId}`;
    const earlier = this.recorded.get(key);
    if (earlier) earlier.seq = Math.max(earlier.seq, seq);
    // Beyond this limit the database is far behind, and the next message will move the cursor anyway.
    else if (this.recorded.size < MAX_RECORDED)
      this.recorded.set(key, { chatId, userId, kind: 'delivered', seq });
    this.recordTimer ??= setTimeout(() => void this.storeRecorded(), RECORD_MS);
  }

  async onModuleDestroy(): Promise<void> {
    clearTimeout(this.recordTimer);
    await this.storeRecorded();
    clearTimeout(this.recordTimer);
    await this.batcher.drain();
  }

  private async storeRecorded(): Promise<void> {
    // Cursors of a chat that is being changed wait for the next round.
    const isFree = ({ chatId }: ReadCursorUpdate) => !this.mutex.isPaused(chatId);
    const batch = [...this.recorded.values()].filter(isFree).slice(0, MAX_CURSORS);
    for (const { chatId, userId } of batch) this.recorded.delete(`${chatId}:${userId}`);
    try {
      if (batch.length > 0) await this.flush(batch);
      this.recordTimer = undefined;
      if (this.recorded.size > 0) this.recordTimer = setTimeout(() => void this.storeRecorded(), RECORD_MS);
    } catch (error) {
      logger.warn({ err: (error as Error).message }, 'storing delivered cursors failed, retrying');
      this.recordTimer = setTimeout(() => void this.storeRecorded(), RETRY_MS);
      for (const { chatId, userId, seq } of batch) this.record(chatId, userId, seq);
    }
  }

  private async flush(batch: ReadCursorUpdate[]): Promise<(AdvancedCursor | Error)[]> {
    const merged = new Map<string, CursorRow>();
    const before = new Map<number, Before>();
    for (const { chatId, userId, kind, seq, from } of batch) {
      const key = `${chatId}:${userId}`;
      const cursor = merged.get(key) ?? {
        ord: merged.size,
        chat_id: chatId,
        user_id: userId,
        read: 0,
        delivered: 0,
      };
      if (kind === 'read') cursor.read = Math.max(cursor.read, seq);
      cursor.delivered = Math.max(cursor.delivered, seq);
      if (from) before.set(cursor.ord, earlier(from, before.get(cursor.ord)));
      merged.set(key, cursor);
    }
    const cursors = await this.mutex.runExclusive(
      () => this.prisma.$queryRaw<AdvancedCursor[]>`${advanceCursors([...merged.values()])}`,
    );
    const advanced = new Map(cursors.map((cursor) => [cursor.ord, { ...cursor, ...before.get(cursor.ord) }]));
    this.receipts.publish([...advanced.values()].filter((cursor) => !cursor.is_behind));
    const results = batch.map(({ chatId, userId }) => advanced.get(merged.get(`${chatId}:${userId}`)!.ord));
    // A cursor with further steps is counted after the last one.
    const arrived = new Set(
      batch.map((update, i) => results[i] && !isBehind(results[i], update) && results[i].ord),
    );
    const unread = await this.countUnread([...merged.values()].filter(({ ord }) => arrived.has(ord)));
    for (const [ord, cursor] of advanced) cursor.unread_count = unread.get(ord);
    return results.map((cursor) => cursor ?? notMember());
  }

  /** After the mutex is released: counting deleted messages of others may take long, and sends must not wait for it. */
  private async countUnread(cursors: CursorRow[]): Promise<Map<number, number>> {
    const read = cursors.filter(({ read }) => read > 0);
    if (read.length === 0) return new Map();
    const counts = await this.prisma.$queryRaw<{ ord: number; unread_count: number }[]>`
      SELECT r.ord, ${UNREAD_COUNT} AS unread_count
      FROM json_to_recordset(${JSON.stringify(read)}::json) AS r(ord int, chat_id uuid, user_id uuid)
      JOIN chats c ON c.id = r.chat_id
      JOIN chat_members p ON p.chat_id = r.chat_id AND p.user_id = r.user_id AND p.left_at IS NULL`;
    return new Map(counts.map(({ ord, unread_count }) => [ord, unread_count]));
  }
}

function earlier({ old_read, old_delivered }: Before, other: Before = { old_read, old_delivered }): Before {
  return {
    old_read: Math.min(old_read, other.old_read),
    old_delivered: Math.min(old_delivered, other.old_delivered),
  };
}
