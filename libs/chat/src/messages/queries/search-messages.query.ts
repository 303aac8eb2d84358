import type { MessagePage, SearchQuery } from '#contracts';
import {
  READS,
  Prisma,
  Searches,
  decodeCursor,
  encodeCursor,
  includes,
  searchWords,
  withinPage,
  type SearchSql,
} from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { Memberships } from '../../membership/membership.js';
import { MessageReader } from '../message-reader.js';
import { messageColumns, type MessageRow } from '../message-wire.js';
import { uuid } from '../../receipts/shown-cursors.js';

/** The limits of one call, in messages and work: a search continues with the next call. */
const { messages: WINDOW, steps: STEPS, stepBytes: STEP_BYTES, ms: MAX_TIME } = READS.searchInChat.most;
/** Limit of messages per statement. */
const STEP = 1_000;

/** The visible text of a message by type; links and ids are not searched. */
const SHOWN = Prisma.raw(`CASE m.type
  WHEN 'text' THEN m.content
  WHEN 'location' THEN concat_ws(' ', m.content, m.metadata->>'address')
  WHEN 'booking_proposal' THEN concat_ws(' ', m.content, m.metadata->>'service_name')
  WHEN 'profile_share' THEN m.metadata->>'name'
  WHEN 'post_share' THEN m.metadata->>'author_name'
  END`);

/**
 * Messages of one chat that contain every word of the query, newest first. A page may be short, or even empty, and
 * still have a `next_cursor`: more messages remain to be searched.
 * @throws AppError CHAT_NOT_FOUND, FORBIDDEN, RATE_LIMIT, UNAVAILABLE
 */
export class SearchMessages extends Query<MessagePage> {
  constructor(
    readonly userId: string,
    readonly chatId: string,
    readonly search: SearchQuery,
  ) {
    super();
  }
}

@QueryHandler(SearchMessages)
export class SearchMessagesHandler implements IQueryHandler<SearchMessages> {
  constructor(
    private readonly memberships: Memberships,
    private readonly reader: MessageReader,
    private readonly searches: Searches,
  ) {}

  async execute({ userId, chatId, search: { query, limit, cursor } }: SearchMessages): Promise<MessagePage> {
    const membership = await this.memberships.require(chatId, userId, true);
    const { visible_seq, left_change_seq } = membership;
    const [from = visible_seq + 1] = decodeCursor(cursor, 'number');
    const before = Math.min(Math.max(Math.trunc(from), 0), visible_seq + 1);
    const { rows, next } = await this.searches.run(userId, async (search) => {
      const words = await searchWords(search, query);
      const asked = { userId, chatId, words, before, limit, left_change_seq };
      return words.length > 0 ? find(search, asked) : { rows: [], next: 0 };
    });
    const items = await this.reader.present({ userId, chatId, ...membership }, rows);
    const next_cursor = next > 1 ? encodeCursor([next]) : null;
    return withinPage({ items, next_cursor }, ({ seq }) => encodeCursor([seq]));
  }
}

interface Asked {
  userId: string;
  chatId: string;
  words: string[];
  before: number;
  limit: number;
  left_change_seq: number | null;
}

/** The messages found before a seq, and the seq from which the next call continues. */
async function find(search: SearchSql, { userId, chatId, words, before, limit, left_change_seq }: Asked) {
  // Former members do not find text that was edited after they left.
  const hasStayed =
    left_change_seq === null ? Prisma.sql`true` : Prisma.sql`m.content_change_seq <= ${left_change_seq}`;
  const rows: MessageRow[] = [];
  const until = performance.now() + MAX_TIME;
  let next = before;
  let steps = 0;
  do {
    const first = await stepFrom(search, chatId, next);
    const found = await search<MessageRow>`
      SELECT ${messageColumns(uuid(userId))} FROM messages m JOIN users u ON u.id = m.sender_id
        CROSS JOIN LATERAL (SELECT folded(${SHOWN}) AS text OFFSET 0) AS shown
      WHERE m.chat_id = ${chatId}::uuid AND m.seq < ${next} AND m.seq >= ${first}
        AND m.deleted_at IS NULL AND ${hasStayed} AND ${Prisma.join(
          words.map((word) => includes(Prisma.sql`shown.text`, word)),
          ' AND ',
        )}
      ORDER BY m.seq DESC LIMIT ${limit - rows.length}`;
    rows.push(...found);
    next = first;
    steps += 1;
  } while (
    rows.length < limit &&
    steps < STEPS &&
    next > Math.max(before - WINDOW, 1) &&
    performance.now() < until
  );
  return { rows, next: rows.length === limit ? rows.at(-1)!.seq : next };
}

/** The lowest seq of a step before a seq. */
async function stepFrom(search: SearchSql, chatId: string, before: number): Promise<number> {
  const [step] = await search<{ first: number | null }>`
    SELECT min(seq) AS first FROM (
      SELECT m.seq, sum(octet_length(${SHOWN})) OVER newest - coalesce(octet_length(${SHOWN}), 0) AS bytes_before
      FROM messages m
      WHERE m.chat_id = ${chatId}::uuid AND m.seq < ${before} AND m.seq >= ${before - STEP}
      WINDOW newest AS (ORDER BY m.seq DESC)) AS sizes
    WHERE coalesce(bytes_before, 0) <= ${STEP_BYTES}`;
  return step!.first ?? before - STEP;
}
