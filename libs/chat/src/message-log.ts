import { AppError, type MessageDto, type MessageKind, type SendMessageAck } from '#contracts';
import {
  Batcher,
  SendPool,
  PrismaService,
  RealtimeEmitter,
  isDatabaseUnavailable,
  isUniqueViolation,
  logger,
} from '#platform';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { MESSAGE_COLUMNS, toMessage, type MessageRow } from './message-wire.js';
import { WriteTurns } from './write-turns.js';
import { notFound, notMember } from './membership.js';

export interface NewMessage {
  id: string;
  chatId: string;
  senderId: string;
  type: MessageKind;
  content: string;
  metadata: Record<string, unknown>;
  clientId?: string;
  replyTo?: string;
}

/** What the database tells of one send, as an array: names for every field of a crowd's sends would cost more. */
type Outcome = [
  seq: number,
  /** In ms. */
  at: number,
  /** The id of the message first sent with this client_id, when this one is its repetition. */
  earlierId: string | null,
  senderName: string,
  senderAvatar: string | null,
  chatFound: boolean,
  senderFound: boolean,
  replyFound: boolean,
];

/**
 * One round trip for any number of sends: locks the chats, checks the senders, finds earlier sends of the same
 * client_id, numbers, inserts, moves read marks. Locks are taken in one order everywhere, chats by id and then
 * members, and rows are read under their lock: a member removed a moment ago is not in `sender`.
 *
 * LATERAL with LIMIT keeps the planner on the indexes, also when a plan was made while the tables were small.
 *
 * A sender who had read everything has read their own message too; one with unread messages keeps them unread.
 */
const APPEND_SQL = `
WITH input AS MATERIALIZED (
  SELECT * FROM json_to_recordset($1::json) AS r(ord int, id uuid, chat_id uuid, sender_id uuid, type message_type,
    content text, metadata jsonb, client_id text, reply_to uuid)
), chat AS MATERIALIZED (
  SELECT c.id, c.last_seq FROM chats c WHERE c.id = ANY($2::uuid[]) ORDER BY c.id FOR NO KEY UPDATE
), sender AS MATERIALIZED (
  SELECT s.chat_id, s.sender_id AS user_id, m.last_read_seq, u.name, u.avatar
  FROM (SELECT DISTINCT i.chat_id, i.sender_id FROM chat JOIN input i ON i.chat_id = chat.id) s
  CROSS JOIN LATERAL (
    SELECT last_read_seq FROM chat_members
    WHERE chat_id = s.chat_id AND user_id = s.sender_id AND left_at IS NULL FOR NO KEY UPDATE
  ) m
  CROSS JOIN LATERAL (SELECT name, avatar FROM users WHERE id = s.sender_id LIMIT 1) u
), checked AS MATERIALIZED (
  SELECT i.*, c.id IS NOT NULL AS chat_found, s.user_id IS NOT NULL AS sender_found, s.name, s.avatar, s.last_read_seq,
    c.last_seq, i.reply_to IS NULL OR r.id IS NOT NULL AS reply_found,
    e.id AS earlier_id, e.seq AS earlier_seq, e.created_at AS earlier_at
  FROM input i
  LEFT JOIN chat c ON c.id = i.chat_id
  LEFT JOIN sender s ON s.chat_id = i.chat_id AND s.user_id = i.sender_id
  LEFT JOIN LATERAL (
    SELECT id, seq, created_at FROM messages
    WHERE chat_id = i.chat_id AND sender_id = i.sender_id AND client_id = i.client_id LIMIT 1
  ) e ON true
  LEFT JOIN LATERAL (SELECT id FROM messages WHERE id = i.reply_to AND chat_id = i.chat_id LIMIT 1) r ON true
), numbered AS MATERIALIZED (
  SELECT k.*, clock_timestamp()::timestamptz(3) AS created_at,
    k.last_seq + row_number() OVER (PARTITION BY k.chat_id ORDER BY k.ord)::int AS seq,
    row_number() OVER (PARTITION BY k.chat_id, k.sender_id ORDER BY k.ord)::int AS own_number
  FROM checked k WHERE k.sender_found AND k.reply_found AND k.earlier_id IS NULL
), inserted AS (
  INSERT INTO messages (id, chat_id, seq, sender_id, type, content, metadata, client_id, reply_to, created_at)
  SELECT id, chat_id, seq, sender_id, type, content, metadata, client_id, reply_to, created_at FROM numbered
), counted AS (
  UPDATE chats SET last_seq = n.seq, activity_at = n.created_at, changed_xid = pg_current_xact_id()
  FROM (SELECT chat_id, max(seq) AS seq, max(created_at) AS created_at FROM numbered GROUP BY chat_id) n
  WHERE chats.id = n.chat_id AND chats.id = ANY($2::uuid[])
), marked AS (
  UPDATE chat_members m SET last_read_seq = m.last_read_seq + n.read,
    last_delivered_seq = GREATEST(m.last_delivered_seq, m.last_read_seq + n.read),
    own_after_read = m.own_after_read + n.sent - n.read
  FROM (SELECT chat_id, sender_id, count(*)::int AS sent,
          count(*) FILTER (WHERE last_read_seq = last_seq AND seq = last_seq + own_number)::int AS read
        FROM numbered GROUP BY chat_id, sender_id) n
  WHERE m.chat_id = n.chat_id AND m.user_id = n.sender_id
)
SELECT json_agg(json_build_array(COALESCE(k.earlier_seq, n.seq),
  round(extract(epoch FROM COALESCE(k.earlier_at, n.created_at)) * 1000), k.earlier_id, k.name, k.avatar,
  k.chat_found, k.sender_found, k.reply_found) ORDER BY k.ord) AS outcomes
FROM checked k LEFT JOIN numbered n ON n.ord = k.ord`;

/** Longer than any statement may run in the database. */
const SETTLE_MS = 10_000;

/**
 * Where messages are written: the hot path. Sends that arrive while a round trip runs share the next one.
 * Each message is committed before it is acknowledged or seen, and seen in the order of its number.
 */
@Injectable()
export class MessageLog implements OnModuleDestroy {
  private readonly batcher = new Batcher<NewMessage, SendMessageAck>((batch) => this.flush(batch), {
    maxBatch: 256,
    maxQueued: 20_000,
  });
  /** Sends whose commit was cut off, and until when one of them may still turn out to have happened (ms). */
  private readonly unsettled = new Map<string, number | undefined>();
  private settling?: Promise<void>;
  private settleTimer?: NodeJS.Timeout;

  constructor(
    private readonly pool: SendPool,
    private readonly prisma: PrismaService,
    private readonly emitter: RealtimeEmitter,
    private readonly turns: WriteTurns,
  ) {}

  /** @throws AppError CHAT_NOT_FOUND, FORBIDDEN, INVALID_DATA (reply_to), UNAVAILABLE */
  append(message: NewMessage): Promise<SendMessageAck> {
    return this.batcher.add(message);
  }

  async onModuleDestroy(): Promise<void> {
    await this.batcher.drain();
    clearTimeout(this.settleTimer);
  }

  private async flush(batch: NewMessage[]): Promise<(SendMessageAck | Error)[]> {
    if (this.unsettled.size > 0) await this.settle();
    const first = new Map<string, number>();
    const twinOf = batch.map(({ chatId, senderId, clientId }, i) => {
      if (clientId === undefined) return i;
      const key = `${chatId}:${senderId}:${clientId}`;
      const twin = first.get(key) ?? i;
      first.set(key, twin);
      return twin;
    });
    const outcomes = await this.turns.take(() => this.store(batch.filter((_, i) => twinOf[i] === i)));
    const stored = outcomes[Symbol.iterator]();
    const outcomeOf: Outcome[] = [];
    return batch.map((message, i) => {
      const twin = twinOf[i]!;
      const outcome = (outcomeOf[i] = twin === i ? (stored.next().value as Outcome) : outcomeOf[twin]!);
      const refusal = refusalOf(outcome);
      if (refusal) return refusal;
      const [seq, at, earlierId] = outcome;
      const createdAt = new Date(at);
      if (twin === i && earlierId === null) this.announce(message, outcome, createdAt);
      return {
        status: 'sent',
        message_id: earlierId ?? batch[twin]!.id,
        created_at: createdAt.toISOString(),
        seq,
        ...(message.clientId !== undefined && { client_id: message.clientId }),
      };
    });
  }

  private async store(batch: NewMessage[], attempt = 1): Promise<Outcome[]> {
    const input = batch.map((m, ord) => ({
      ord,
      id: m.id,
      chat_id: m.chatId,
      sender_id: m.senderId,
      type: m.type,
      content: m.content,
      metadata: m.metadata,
      client_id: m.clientId,
      reply_to: m.replyTo,
    }));
    const chatIds = [...new Set(batch.map(({ chatId }) => chatId))];
    try {
      const { rows } = await this.pool.query<{ outcomes: Outcome[] }>({
        name: 'append-messages',
        text: APPEND_SQL,
        values: [JSON.stringify(input), chatIds],
      });
      return rows[0]!.outcomes;
    } catch (error) {
      // Another node stored one of these client_ids after our snapshot: the next try finds it.
      if (isUniqueViolation(error) && attempt < 5) return this.store(batch, attempt + 1);
      if (isDatabaseUnavailable(error)) {
        for (const { id } of batch) this.unsettled.set(id, undefined);
        this.settleLater();
      }
      throw error;
    }
  }

  private announce(message: NewMessage, [seq, , , name, avatar]: Outcome, createdAt: Date): void {
    const row: MessageRow = {
      id: message.id,
      chat_id: message.chatId,
      sender_id: message.senderId,
      sender_name: name,
      sender_avatar: avatar,
      type: message.type,
      content: message.content,
      metadata: message.metadata,
      created_at: createdAt,
      seq,
      change_seq: 0,
      reply_to: message.replyTo ?? null,
      edited_at: null,
      deleted_at: null,
      reactions: [],
    };
    this.emit(toMessage(row, 'sent'), message.clientId);
  }

  /** The client_id goes to the sender's own devices only. */
  private emit(message: MessageDto, clientId: string | null | undefined): void {
    if (clientId == null) return this.emitter.toChat(message.chat_id, 'chat:message:new', message);
    this.emitter.toChatAndOwn(message.chat_id, 'chat:message:new', message, message.sender_id, {
      client_id: clientId,
    });
  }

  /** Shows those messages that were committed although the answer never came: nobody else will. */
  private settle(): Promise<void> {
    this.settling ??= this.settleNow().finally(() => {
      this.settling = undefined;
      if (this.unsettled.size > 0) this.settleLater();
    });
    return this.settling;
  }

  private async settleNow(): Promise<void> {
    const askedAt = Date.now();
    const found = await this.prisma.$queryRaw<(MessageRow & { client_id: string | null })[]>`
      SELECT ${MESSAGE_COLUMNS}, m.client_id FROM messages m JOIN users u ON u.id = m.sender_id
      WHERE m.id = ANY(${[...this.unsettled.keys()]}::uuid[]) ORDER BY m.chat_id, m.seq`;
    for (const row of found) {
      this.unsettled.delete(row.id);
      this.emit(toMessage(row, 'sent'), row.client_id);
    }
    // Counted from the first look at a database that is back: until then the statement itself may be waiting.
    for (const [id, until] of this.unsettled) {
      if (until === undefined) this.unsettled.set(id, askedAt + SETTLE_MS);
      else if (until < askedAt) this.unsettled.delete(id);
    }
  }

  private settleLater(): void {
    clearTimeout(this.settleTimer);
    this.settleTimer = setTimeout(() => {
      this.settle().catch((err: Error) => logger.warn({ err: err.message }, 'sends not settled yet'));
    }, 1000);
  }
}

const refusalOf = ([, , , , , chatFound, senderFound, replyFound]: Outcome): AppError | undefined => {
  if (!chatFound) return notFound();
  if (!senderFound) return notMember();
  return replyFound ? undefined : AppError.invalid('reply_to', 'no such message in this chat');
};
