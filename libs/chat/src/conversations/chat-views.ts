import type { ChatDto, MessageDto, ParticipantDto } from '#contracts';
import { Presence } from '#presence';
import { PrismaService, ViewPool, type Prisma } from '#platform';
import { Injectable } from '@nestjs/common';
import { asSeen, type Hidden } from '#identity';
import { setImmediate as others } from 'node:timers/promises';
import { asNamed, namedIn, toMessage, type MessageRow } from '../messages/message-wire.js';
import { groupedBy, memberViews, statusOf, type LowestCursors } from '../receipts/shown-cursors.js';
import {
  chatOfMembers,
  chatsOf,
  firstParticipants,
  lastMessages,
  type Asked,
  type ChatRow,
  type Indexed,
  type ParticipantRow,
} from './chat-views.sql.js';

/** Number of views rendered before other work gets a turn. */
const VIEWS_AT_ONCE = 10;

/** One view of a chat: members with the same read cursor and settings share it. */
export interface SharedView {
  chat: ChatDto;
  userIds: string[];
}

/** The parts of a chat that all members see alike, without blocks. */
interface Contents {
  participants: ParticipantDto[];
  last_message: MessageDto | null;
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
    private readonly pool: ViewPool,
    private readonly presence: Presence,
  ) {}

  /** The chats as the user sees them, in the order of the ids. Chats that the user is not in are left out. */
  async of(userId: string, ...chatIds: string[]): Promise<ChatDto[]> {
    return (await this.ofEach(chatIds.map((chatId) => ({ userId, chatId })))).map(({ chat }) => chat);
  }

  /** The same for several users, each with one chat. */
  async ofEach(asked: { userId: string; chatId: string }[]): Promise<{ userId: string; chat: ChatDto }[]> {
    if (asked.length === 0) return [];
    const [rows, contents] = await Promise.all([
      this.rows<ChatRow & Indexed>('chats-of', chatsOf(asked)),
      this.contents(asked),
    ]);
    return rows.map(({ i, ...row }) => ({ userId: asked[i]!.userId, chat: toChat(row, contents[i]!) }));
  }

  /**
   * The views of a chat for all members who have it in their lists, or for those in `among`. Members from whom a block
   * hides the same participants share a view, if the last message has the same status for them. Other work gets turns
   * between the views.
   */
  async *ofMembers(chatId: string, among: string[] | null = null): AsyncGenerator<SharedView> {
    const [rows, [contents]] = await Promise.all([
      this.prisma.$queryRaw<(ChatRow & { user_ids: string[] })[]>`${chatOfMembers(chatId, among)}`,
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
    const [rows, messages] = await Promise.all([
      this.rows<ParticipantRow & Indexed>('first-participants', firstParticipants(asked)),
      this.rows<MessageRow & Indexed & { lowest: LowestCursors }>('last-messages', lastMessages(asked)),
    ]);
    const contents = asked.map((): Contents => ({ participants: [], last_message: null }));
    for (const { i, lowest, ...row } of messages)
      contents[i]!.last_message = toMessage(row, statusOf(row.seq, lowest));
    const participants = await this.participants(rows.map(({ i: _, ...row }) => row));
    participants.forEach(({ chat_id: _, ...participant }, n) =>
      contents[rows[n]!.i]!.participants.push(participant),
    );
    return contents;
  }

  /** @param name by which each connection keeps the statement; its text is always the same */
  private async rows<T extends object>(name: string, { text, values }: Prisma.Sql): Promise<T[]> {
    return (await this.pool.query<T>({ name, text, values })).rows;
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
