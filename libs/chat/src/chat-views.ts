import { PARTICIPANTS_SHOWN, type ChatDto, type MessageDto, type ParticipantDto } from '#contracts';
import { Presence } from '#presence';
import { Prisma, PrismaService } from '#platform';
import { Injectable } from '@nestjs/common';
import { notBlocked } from '#identity';
import { IS_LISTED } from './membership.js';
import { MESSAGE_COLUMNS, toMessage, type MessageRow } from './message-wire.js';
import {
  cutsWithin,
  lowestMarks,
  shownMarks,
  statusOf,
  statusesOf,
  uuid,
  type LowestMarks,
} from './shown-marks.js';
import { UNREAD_COUNT } from './unread.js';

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

/** How some members see a chat: those who have read equally far, and set it up alike, see the same. */
export interface SharedView {
  chat: ChatDto;
  userIds: string[];
}

export type ParticipantRow = Omit<ParticipantDto, 'online' | 'last_seen'> & {
  chat_id: string;
  last_seen: Date | null;
  /** A block cuts them off from the reader, or they are banned. */
  cut: boolean;
};

/** What the members of chats see alike, unless a block comes between. */
interface Contents {
  participants: Map<string, ParticipantDto[]>;
  lastMessages: Map<string, MessageDto>;
}

const CHAT_COLUMNS = Prisma.raw(`
  c.id AS chat_id, c.type, c.title, c.avatar, c.member_count, NOT (c.blocked OR c.gone) AS is_open, c.last_seq,
  c.change_seq, c.created_at, c.activity_at`);

/** What a member sees for themselves alone: of a `chat_members p` in a chat `c`. A mute that is over is none. */
const OWN_COLUMNS = Prisma.sql`
  p.last_read_seq, ${UNREAD_COUNT} AS unread_count,
  CASE WHEN p.muted_until > now() THEN p.muted_until END AS muted_until, p.archived_at IS NOT NULL AS archived`;

/** As the reader sees them. To be followed by FROM or JOIN of `chat_members p` and of `users u` on `u.id = p.user_id`. */
export function participantColumns(readerId: string | null): Prisma.Sql {
  const { read, delivered, areShown } = shownMarks(uuid(readerId));
  return Prisma.sql`
    p.chat_id, u.id, u.name, u.handle, u.avatar, u.is_master, u.last_seen_at AS last_seen, p.role,
    CASE WHEN ${areShown} THEN ${read} ELSE 0 END AS last_read_seq,
    CASE WHEN ${areShown} THEN ${delivered} ELSE 0 END AS last_delivered_seq,
    u.banned_at IS NOT NULL OR NOT (${notBlocked(uuid(readerId), Prisma.raw('u.id'))}) AS cut`;
}

/** A participant as somebody sees them whom a block cuts them off from; of a direct chat, its marks are frozen already. */
const hidden = (participant: ParticipantDto, { type }: ChatRow): ParticipantDto => ({
  ...participant,
  online: false,
  last_seen: null,
  ...(type === 'group' && { last_read_seq: 0, last_delivered_seq: 0 }),
});

/** Chats as their members see them: three queries, however many chats. */
@Injectable()
export class ChatViews {
  constructor(
    private readonly prisma: PrismaService,
    private readonly presence: Presence,
  ) {}

  /** The chats as the user sees them, in the order asked for; those the user is not in are left out. */
  async of(userId: string, ...chatIds: string[]): Promise<ChatDto[]> {
    if (chatIds.length === 0) return [];
    const [rows, contents] = await Promise.all([this.chats(userId, chatIds), this.contents(userId, chatIds)]);
    return rows.map((row) => toChat(row, contents));
  }

  /** A chat as all of those see it who have it in their lists: those whom a block cuts off from another one see it by themselves. */
  async ofMembers(chatId: string): Promise<SharedView[]> {
    const [rows, contents, cuts] = await Promise.all([
      this.chatOfMembers(chatId),
      this.contents(null, [chatId]),
      cutsWithin(this.prisma, chatId),
    ]);
    const last = contents.lastMessages.get(chatId);
    const statuses =
      last && cuts.size > 0 ? await statusesOf(this.prisma, last, [...cuts.keys()]) : undefined;
    const seenBy = (userId: string, row: ChatRow): Contents => ({
      participants: new Map([
        [
          chatId,
          contents.participants
            .get(chatId)!
            .map((one) => (cuts.get(userId)!.has(one.id) ? hidden(one, row) : one)),
        ],
      ]),
      lastMessages: new Map(last && [[chatId, { ...last, status: statuses!.get(userId)! }]]),
    });
    return rows.flatMap(({ user_ids, ...row }) => {
      const alike = user_ids.filter((id) => !cuts.has(id));
      const apart = user_ids.filter((id) => cuts.has(id));
      return [
        ...(alike.length > 0 ? [{ chat: toChat(row, contents), userIds: alike }] : []),
        ...apart.map((id) => ({ chat: toChat(row, seenBy(id, row)), userIds: [id] })),
      ];
    });
  }

  /** A block hides from each of the two whether the other is there, a ban from everybody. */
  async participants(rows: ParticipantRow[]): Promise<(ParticipantDto & { chat_id: string })[]> {
    const shown = rows.filter(({ cut }) => !cut).map(({ id }) => id);
    const present = await this.presence.present([...new Set(shown)]);
    return rows.map(({ cut, ...row }) => ({
      ...row,
      online: !cut && present.has(row.id),
      last_seen: cut ? null : (row.last_seen?.toISOString() ?? null),
    }));
  }

  private async contents(readerId: string | null, chatIds: string[]): Promise<Contents> {
    const [rows, lastMessages] = await Promise.all([
      this.firstParticipants(readerId, chatIds),
      this.lastMessages(readerId, chatIds),
    ]);
    const participants = new Map<string, ParticipantDto[]>(chatIds.map((id) => [id, []]));
    for (const { chat_id, ...participant } of await this.participants(rows))
      participants.get(chat_id)!.push(participant);
    return { participants, lastMessages };
  }

  private chats(userId: string, chatIds: string[]): Promise<ChatRow[]> {
    return this.prisma.$queryRaw<ChatRow[]>`
      SELECT ${CHAT_COLUMNS}, ${OWN_COLUMNS}
      FROM unnest(${chatIds}::uuid[]) WITH ORDINALITY AS s(chat_id, ord)
      JOIN chats c ON c.id = s.chat_id
      JOIN chat_members p ON p.chat_id = s.chat_id AND p.user_id = ${userId}::uuid AND p.left_at IS NULL
      ORDER BY s.ord`;
  }

  private chatOfMembers(chatId: string): Promise<(ChatRow & { user_ids: string[] })[]> {
    return this.prisma.$queryRaw<(ChatRow & { user_ids: string[] })[]>`
      SELECT ${CHAT_COLUMNS}, s.* FROM chats c CROSS JOIN LATERAL (
        SELECT last_read_seq, unread_count, muted_until, archived, array_agg(user_id) AS user_ids
        FROM (
          SELECT p.user_id, ${OWN_COLUMNS}
          FROM chat_members p WHERE p.chat_id = c.id AND p.left_at IS NULL AND ${IS_LISTED}
        ) m
        GROUP BY last_read_seq, unread_count, muted_until, archived
      ) s
      WHERE c.id = ${chatId}::uuid`;
  }

  private firstParticipants(readerId: string | null, chatIds: string[]): Promise<ParticipantRow[]> {
    return this.prisma.$queryRaw<ParticipantRow[]>`
      SELECT l.* FROM unnest(${chatIds}::uuid[]) AS s(chat_id) CROSS JOIN LATERAL (
        SELECT ${participantColumns(readerId)} FROM chat_members p JOIN users u ON u.id = p.user_id
        WHERE p.chat_id = s.chat_id AND p.left_at IS NULL ORDER BY p.user_id LIMIT ${PARTICIPANTS_SHOWN}
      ) l`;
  }

  private async lastMessages(readerId: string | null, chatIds: string[]): Promise<Map<string, MessageDto>> {
    const rows = await this.prisma.$queryRaw<(MessageRow & { lowest: LowestMarks })[]>`
      SELECT ${MESSAGE_COLUMNS}, to_json(l) AS lowest
      FROM chats c JOIN messages m ON m.chat_id = c.id AND m.seq = c.last_seq JOIN users u ON u.id = m.sender_id
      CROSS JOIN LATERAL (${lowestMarks(uuid(readerId))}) l
      WHERE c.id = ANY(${chatIds}::uuid[])`;
    return new Map(rows.map((row) => [row.chat_id, toMessage(row, statusOf(row.seq, row.lowest))]));
  }
}

const toChat = (
  { chat_id, muted_until, created_at, activity_at, ...row }: ChatRow,
  { participants, lastMessages }: Contents,
): ChatDto => ({
  id: chat_id,
  ...row,
  participants: participants.get(chat_id)!,
  last_message: lastMessages.get(chat_id) ?? null,
  muted_until: muted_until?.toISOString() ?? null,
  created_at: created_at.toISOString(),
  updated_at: activity_at.toISOString(),
});
