import { MAX_MEMBERS, MAX_RECEIPT_MEMBERS, type PayloadOf } from '#contracts';
import { notBlocked } from '#identity';
import { WORK, KeyedQueue, Prisma, PrismaService, logFailure, logger, retry } from '#platform';
import { EventPublisher, EventQueue, userTopic } from '#realtime';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';

/** Limit of individual receipts for one member who returns after a long absence. */
const MAX_RECEIPTS = WORK.receipts.most.published;
/** Limit of newest messages considered: a member's own and deleted messages need no receipt. */
const MAX_COVERED = WORK.receipts.most.lookedAt;
/** Limit of messages that the cursors of one look-up may have moved over. */
const MAX_TOGETHER = WORK.receipts.most.together;
/** The number of attempts after a failed publish. */
const RETRIES = 60;
/** In large chats: at most one receipt of each kind per second and chat. */
const LARGE_CHAT_MS = 1000;
/** In large chats: only the senders of this many newest messages are notified. */
const LARGE_CHAT_WINDOW = 50;

/** One member's cursors before and after a flush. */
export interface AdvancedCursor {
  ord: number;
  chat_id: string;
  user_id: string;
  member_count: number;
  old_read: number;
  new_read: number;
  old_delivered: number;
  new_delivered: number;
  /** True when part of the move remains. */
  is_behind: boolean;
  last_read_at: Date | null;
  /** After a read, once it is counted. */
  unread_count?: number;
}

/** SQL expression: a key of two users, in either order. */
const pair = (a: string, b: string): Prisma.Sql =>
  Prisma.raw(`LEAST(${a}, ${b})::text || GREATEST(${a}, ${b})`);

type Covered = [ord: number, id: string, seq: number, senderId: string];

/** Notifies senders that their messages were delivered and read. */
@Injectable()
export class Receipts implements OnModuleDestroy {
  private readonly largeChats = new Map<string, { after: number; timer: NodeJS.Timeout }>();
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
    for (const [ord, id, seq, sender] of await this.coveredBy(cursors)) {
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

  /**
   * Messages of other users that the cursors moved over, oldest first. Without those across a block, and of former
   * members.
   */
  private async coveredBy(cursors: AdvancedCursor[]): Promise<Covered[]> {
    const ranges = cursors.map(({ ord, chat_id, user_id, ...m }) => ({
      ord,
      chat_id,
      user_id,
      after: m.new_read > m.old_read ? Math.min(m.old_read, m.old_delivered) : m.old_delivered,
      upto: m.new_delivered > m.old_delivered ? m.new_delivered : m.new_read,
    }));
    // One JSON value: with thousands of rows, each field would be decoded separately. Members and blocks are read per
    // chat, not per message. LIMIT keeps the planner on the keys.
    const [row] = await this.prisma.$queryRaw<{ covered: Covered[] | null }[]>`
      WITH r AS MATERIALIZED (
        SELECT * FROM json_to_recordset(${JSON.stringify(ranges)}::json)
          AS r(ord int, chat_id uuid, user_id uuid, after int, upto int)
      ), c AS MATERIALIZED (
        SELECT c.id, c.type, members.ids, cuts.pairs FROM (SELECT DISTINCT chat_id FROM r) d
        CROSS JOIN LATERAL (SELECT id, type FROM chats WHERE id = d.chat_id AND NOT blocked LIMIT 1) c
        CROSS JOIN LATERAL (
          SELECT array_agg(user_id) AS ids FROM chat_members
          WHERE c.type = 'group' AND chat_id = c.id AND left_at IS NULL
        ) members
        CROSS JOIN LATERAL (
          SELECT array_agg(${pair('b.blocker_id', 'b.blocked_id')}) AS pairs FROM unnest(members.ids) AS member
          CROSS JOIN LATERAL (
            SELECT blocker_id, blocked_id FROM blocks
            WHERE blocker_id = member AND blocked_id = ANY(members.ids) LIMIT ${MAX_MEMBERS}
          ) b
        ) cuts
      )
      SELECT json_agg(json_build_array(r.ord, m.id, m.seq, m.sender_id) ORDER BY m.seq) AS covered
      FROM r JOIN c ON c.id = r.chat_id
      CROSS JOIN LATERAL (
        SELECT id, seq, sender_id FROM messages
        WHERE chat_id = r.chat_id AND seq > GREATEST(r.after, r.upto - ${MAX_COVERED}) AND seq <= r.upto AND sender_id <> r.user_id AND deleted_at IS NULL
        ORDER BY seq DESC LIMIT ${MAX_RECEIPTS}
      ) m
      WHERE c.type = 'direct' OR m.sender_id = ANY(c.ids)
        AND (c.pairs IS NULL OR ${pair('r.user_id', 'm.sender_id')} <> ALL(c.pairs))`;
    return row?.covered ?? [];
  }

  private publishSoon(chatId: string, after: number): void {
    const waiting = this.largeChats.get(chatId);
    if (waiting) {
      waiting.after = Math.min(waiting.after, after);
      return;
    }
    const announce = () => {
      const { after } = this.largeChats.get(chatId)!;
      this.largeChats.delete(chatId);
      this.announceCounts(chatId, after).catch(logFailure('receipt publish failed'));
    };
    this.largeChats.set(chatId, { after, timer: setTimeout(announce, LARGE_CHAT_MS) });
  }

  /** Notifies the latest senders how many members have received and read their newest message. */
  private async announceCounts(chatId: string, after: number): Promise<void> {
    const newest = await this.prisma.$queryRaw<
      { id: string; sender_id: string; delivered_count: number; read_count: number }[]
    >`
      SELECT m.id, m.sender_id, p.delivered_count, p.read_count
      FROM (
        SELECT DISTINCT ON (w.sender_id) w.id, w.seq, w.sender_id
        FROM (SELECT id, seq, sender_id FROM messages WHERE chat_id = ${chatId}::uuid AND seq > ${after}
              ORDER BY seq DESC LIMIT ${LARGE_CHAT_WINDOW}) w
        ORDER BY w.sender_id, w.seq DESC
      ) m CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE last_delivered_seq >= m.seq)::int AS delivered_count,
          count(*) FILTER (WHERE last_read_seq >= m.seq)::int AS read_count
        FROM chat_members WHERE chat_id = ${chatId}::uuid AND user_id <> m.sender_id AND left_at IS NULL
          AND ${notBlocked(Prisma.raw('m.sender_id'), Prisma.raw('user_id'))}
      ) p
      WHERE (SELECT left_at IS NULL FROM chat_members WHERE chat_id = ${chatId}::uuid AND user_id = m.sender_id LIMIT 1)`;
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
