import { PARTICIPANTS_SHOWN, type ChatDto, type MessageDto, type ParticipantDto } from '#contracts';
import { Presence } from '#presence';
import { Prisma, PrismaService } from '#platform';
import { Injectable } from '@nestjs/common';
import { asSeen, hiddenFrom, type Hidden } from '#identity';
import { setImmediate as others } from 'node:timers/promises';
import { IS_LISTED } from '../membership/membership.js';
import {
  SIZE,
  asNamed,
  messageColumns,
  namedIn,
  toMessage,
  type MessageRow,
} from '../messages/message-wire.js';
import {
  groupedBy,
  lowestCursors,
  shownCursors,
  memberViews,
  statusOf,
  type LowestCursors,
} from '../receipts/shown-cursors.js';
import { UNREAD_COUNT, unreadOfMembers } from '../receipts/unread.js';

/** Number of views rendered before other work gets a turn. */
const VIEWS_AT_ONCE = 10;

interface ChatRow {
  chat_id: string;
  type: ChatDto['type'];
  title: string | null;
  avatar: string | null;
  member_count: number;
  is_open: boolean;
  last_seq: number;
  change_seq: number;
  last_read_seq: number;
  unread_count: number;
  muted_until: Date | null;
  archived: boolean;
  created_at: Date;
  activity_at: Date;
}

/** One view of a chat: members with the same read cursor and settings share it. */
export interface SharedView {
  chat: ChatDto;
  userIds: string[];
}

export type ParticipantRow = Omit<ParticipantDto, 'online' | 'last_seen'> & {
  chat_id: string;
  last_seen: Date | null;
  /** Set when a block or a ban hides them from the reader: how they are named then. */
  hidden: Hidden | null;
};

/** A chat and its reader; blocks are ignored when the reader is null. */
interface Asked {
  userId: string | null;
  chatId: string;
}

/** The parts of a chat that all members see alike, without blocks. */
interface Contents {
  participants: ParticipantDto[];
  last_message: MessageDto | null;
}

/** SQL of the table `s`: `user_id`, `chat_id`, and the index `i` in `asked`. */
const tableOf = (asked: Asked[]): Prisma.Sql => Prisma.sql`(
  SELECT user_id, chat_id, ord::int - 1 AS i FROM unnest(
    ${asked.map(({ userId }) => userId)}::uuid[], ${asked.map(({ chatId }) => chatId)}::uuid[]
  ) WITH ORDINALITY AS r(user_id, chat_id, ord)) s`;

const CHAT_COLUMNS = Prisma.raw(`
  c.id AS chat_id, c.type, c.title, c.avatar, c.member_count, NOT (c.blocked OR c.gone) AS is_open, c.last_seq,
  c.change_seq, c.created_at, c.activity_at`);

/** A member's own settings: for `chat_members p` in a chat `c`. An expired mute is null. */
const OWN_COLUMNS = Prisma.sql`
  p.last_read_seq,
  CASE WHEN p.muted_until > now() THEN p.muted_until END AS muted_until, p.archived_at IS NOT NULL AS archived`;

/** SQL expression: the approximate size of a chat `c` in bytes, with its shown participants and message. */
export const CHAT_BYTES = Prisma.sql`500
  + coalesce((SELECT 500 + ${SIZE} FROM messages m WHERE m.chat_id = c.id AND m.seq = c.last_seq), 0)
  + (SELECT sum(300 + octet_length(coalesce(u.avatar, '')))::int FROM (
      SELECT p.user_id FROM chat_members p WHERE p.chat_id = c.id AND p.left_at IS NULL
      ORDER BY p.user_id LIMIT ${PARTICIPANTS_SHOWN}
    ) p JOIN users u ON u.id = p.user_id) AS bytes`;

/**
 * Participants as shown to the reader. Use it with FROM or JOIN of `chat_members p` and of `users u` on `u.id =
 * p.user_id`.
 */
export function participantColumns(reader: Prisma.Sql): Prisma.Sql {
  const { read, delivered, areShown } = shownCursors(reader);
  return Prisma.sql`
    p.chat_id, u.id, u.name, u.handle, u.avatar, u.is_master, u.last_seen_at AS last_seen, p.role,
    CASE WHEN ${areShown} THEN ${read} ELSE 0 END AS last_read_seq,
    CASE WHEN ${areShown} THEN ${delivered} ELSE 0 END AS last_delivered_seq,
    ${hiddenFrom(reader, Prisma.raw('ARRAY[u.id]'))} AS hidden`;
}

/**
 * A participant as shown to a member from whom a block hides some people. In a direct chat the read cursors are frozen
 * already.
 */
const hiddenByBlock = (participant: ParticipantDto, hidden: Hidden, { type }: ChatRow): ParticipantDto =>
  hidden[participant.id]
    ? {
        ...asSeen(participant, hidden),
        online: false,
        last_seen: null,
        ...(type === 'group' && { last_read_seq: 0, last_delivered_seq: 0 }),
      }
    : participant;

/** Reads chats as shown to their members: three queries, however many chats. */
@Injectable()
export class ChatViews {
  constructor(
    private readonly prisma: PrismaService,
    private readonly presence: Presence,
  ) {}

  /** The chats as the user sees them, in the order of the ids. Chats that the user is not in are left out. */
  async of(userId: string, ...chatIds: string[]): Promise<ChatDto[]> {
    return (await this.ofEach(chatIds.map((chatId) => ({ userId, chatId })))).map(({ chat }) => chat);
  }

  /** The same for several users, each with one chat. */
  async ofEach(asked: { userId: string; chatId: string }[]): Promise<{ userId: string; chat: ChatDto }[]> {
    if (asked.length === 0) return [];
    const [rows, contents] = await Promise.all([this.chats(asked), this.contents(asked)]);
    return rows.map(({ i, ...row }) => ({ userId: asked[i]!.userId, chat: toChat(row, contents[i]!) }));
  }

  /**
   * The views of a chat for all members who have it in their lists, or for those in `among`. Members from whom a block
   * hides the same participants share a view, if the last message has the same status for them. Other work gets turns
   * between the views.
   */
  async *ofMembers(chatId: string, among: string[] | null = null): AsyncGenerator<SharedView> {
    const [rows, [contents]] = await Promise.all([
      this.chatOfMembers(chatId, among),
      this.contents([{ userId: null, chatId }]),
    ]);
    const { participants, last_message } = contents!;
    const named = new Set([
      ...participants.map(({ id }) => id),
      ...(last_message ? namedIn(last_message) : []),
    ]);
    const sights = await memberViews(this.prisma, chatId, [...named], last_message?.id);
    const seenBy = (userId: string, row: ChatRow): Contents => {
      if (!sights.apart.has(userId)) return contents!;
      const hidden = sights.hiddenFor(userId) ?? {};
      const status = sights.statusFor(userId);
      return {
        participants: participants.map((one) => hiddenByBlock(one, hidden, row)),
        last_message: last_message && asNamed({ ...last_message, status }, hidden),
      };
    };
    let views = 0;
    for (const { user_ids, ...row } of rows)
      for (const userIds of groupedBy(user_ids, sights.keyOf)) {
        yield { chat: toChat(row, seenBy(userIds[0], row)), userIds };
        if (++views % VIEWS_AT_ONCE === 0) await others();
      }
  }

  /** A block hides online states between two users, a ban from everybody. */
  async participants(rows: ParticipantRow[]): Promise<(ParticipantDto & { chat_id: string })[]> {
    const shown = rows.filter(({ hidden }) => !hidden).map(({ id }) => id);
    const present = await this.presence.present([...new Set(shown)]);
    return rows.map(({ hidden, ...row }) => ({
      ...asSeen(row, hidden),
      online: !hidden && present.has(row.id),
      last_seen: hidden ? null : (row.last_seen?.toISOString() ?? null),
    }));
  }

  private async contents(asked: Asked[]): Promise<Contents[]> {
    const [rows, lastMessages] = await Promise.all([this.firstParticipants(asked), this.lastMessages(asked)]);
    const contents = asked.map((_, i): Contents => ({
      participants: [],
      last_message: lastMessages.get(i) ?? null,
    }));
    const participants = await this.participants(rows.map(({ i: _, ...row }) => row));
    participants.forEach(({ chat_id: _, ...participant }, n) =>
      contents[rows[n]!.i]!.participants.push(participant),
    );
    return contents;
  }

  private chats(asked: Asked[]): Promise<(ChatRow & { i: number })[]> {
    return this.prisma.$queryRaw<(ChatRow & { i: number })[]>`
      SELECT s.i, ${CHAT_COLUMNS}, ${OWN_COLUMNS}, ${UNREAD_COUNT} AS unread_count FROM ${tableOf(asked)}
      JOIN chats c ON c.id = s.chat_id
      JOIN chat_members p ON p.chat_id = s.chat_id AND p.user_id = s.user_id AND p.left_at IS NULL
      ORDER BY s.i`;
  }

  private chatOfMembers(
    chatId: string,
    among: string[] | null,
  ): Promise<(ChatRow & { user_ids: string[] })[]> {
    return this.prisma.$queryRaw<(ChatRow & { user_ids: string[] })[]>`
      WITH member AS MATERIALIZED (
        SELECT p.user_id, ${OWN_COLUMNS}, p.own_after_read, c.last_seq
        FROM chats c JOIN chat_members p ON p.chat_id = c.id AND p.left_at IS NULL AND ${IS_LISTED}
          ${among ? Prisma.sql`AND p.user_id = ANY(${among}::uuid[])` : Prisma.empty}
        WHERE c.id = ${chatId}::uuid
      ), ${unreadOfMembers(chatId)}
      SELECT ${CHAT_COLUMNS}, s.* FROM chats c CROSS JOIN (
        SELECT last_read_seq, unread_count, muted_until, archived, array_agg(user_id) AS user_ids
        FROM member JOIN unread USING (user_id)
        GROUP BY last_read_seq, unread_count, muted_until, archived
      ) s
      WHERE c.id = ${chatId}::uuid`;
  }

  private firstParticipants(asked: Asked[]): Promise<(ParticipantRow & { i: number })[]> {
    return this.prisma.$queryRaw<(ParticipantRow & { i: number })[]>`
      SELECT s.i, l.* FROM ${tableOf(asked)} CROSS JOIN LATERAL (
        SELECT ${participantColumns(Prisma.raw('s.user_id'))} FROM chat_members p JOIN users u ON u.id = p.user_id
        WHERE p.chat_id = s.chat_id AND p.left_at IS NULL ORDER BY p.user_id LIMIT ${PARTICIPANTS_SHOWN}
      ) l`;
  }

  private async lastMessages(asked: Asked[]): Promise<Map<number, MessageDto>> {
    const rows = await this.prisma.$queryRaw<(MessageRow & { i: number; lowest: LowestCursors })[]>`
      SELECT s.i, ${messageColumns(Prisma.raw('s.user_id'))}, to_json(l) AS lowest FROM ${tableOf(asked)}
      JOIN chats c ON c.id = s.chat_id
      JOIN messages m ON m.chat_id = c.id AND m.seq = c.last_seq JOIN users u ON u.id = m.sender_id
      CROSS JOIN LATERAL (${lowestCursors(Prisma.raw('s.user_id'))}) l`;
    return new Map(rows.map(({ i, ...row }) => [i, toMessage(row, statusOf(row.seq, row.lowest))]));
  }
}

const toChat = (
  { chat_id, muted_until, created_at, activity_at, ...row }: ChatRow,
  contents: Contents,
): ChatDto => ({
  id: chat_id,
  ...row,
  ...contents,
  muted_until: muted_until?.toISOString() ?? null,
  created_at: created_at.toISOString(),
  updated_at: activity_at.toISOString(),
});
