import { PARTICIPANTS_SHOWN, type ChatDto, type ParticipantDto } from '#contracts';
import { Presence } from '#presence';
import { Prisma, PrismaService } from '#platform';
import { Injectable } from '@nestjs/common';
import { MESSAGE_COLUMNS, toMessage, type MessageRow } from './message-wire.js';
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
};

type LastMessageRow = MessageRow & { read_by_all: boolean; delivered_to_all: boolean };

const CHAT_COLUMNS = Prisma.raw(`
  c.id AS chat_id, c.type, c.title, c.avatar, c.member_count, NOT (c.blocked OR c.gone) AS is_open, c.last_seq,
  c.change_seq, c.created_at, c.activity_at`);

/** What a member sees for themselves alone: of a `chat_members p` in a chat `c`. A mute that is over is none. */
const OWN_COLUMNS = Prisma.sql`
  p.last_read_seq, ${UNREAD_COUNT} AS unread_count,
  CASE WHEN p.muted_until > now() THEN p.muted_until END AS muted_until, p.archived_at IS NOT NULL AS archived`;

/** To be followed by FROM or JOIN of `chat_members p` and of `users u` on `u.id = p.user_id`. */
export const PARTICIPANT_COLUMNS = Prisma.raw(`
  p.chat_id, u.id, u.name, u.handle, u.avatar, u.is_master, u.last_seen_at AS last_seen, p.role,
  p.last_read_seq, p.last_delivered_seq`);

/** Chats as their members see them: three queries, however many chats. */
@Injectable()
export class ChatViews {
  constructor(
    private readonly prisma: PrismaService,
    private readonly presence: Presence,
  ) {}

  /** Each chat as that user sees it, in the order asked for; those the user is not in are left out. */
  async of(seen: { chatId: string; userId: string }[]): Promise<ChatDto[]> {
    if (seen.length === 0) return [];
    const chatIds = [...new Set(seen.map(({ chatId }) => chatId))];
    const [rows, complete] = await Promise.all([this.chats(seen), this.completing(chatIds)]);
    return rows.map(complete);
  }

  /** A chat as all of its members see it. */
  async ofMembers(chatId: string): Promise<SharedView[]> {
    const [rows, complete] = await Promise.all([this.chatOfMembers(chatId), this.completing([chatId])]);
    return rows.map(({ user_ids, ...row }) => ({ chat: complete(row), userIds: user_ids }));
  }

  /** `cut`: by a block or a ban, which hides from each of the two whether the other is there. */
  async participants(
    rows: (ParticipantRow & { cut: boolean })[],
  ): Promise<(ParticipantDto & { chat_id: string })[]> {
    const shown = rows.filter(({ cut }) => !cut).map(({ id }) => id);
    const present = await this.presence.present([...new Set(shown)]);
    return rows.map(({ cut, ...row }) => ({
      ...row,
      online: !cut && present.has(row.id),
      last_seen: cut ? null : (row.last_seen?.toISOString() ?? null),
    }));
  }

  /** Adds to a chat's row what all of its members see alike. */
  private async completing(chatIds: string[]): Promise<(row: ChatRow) => ChatDto> {
    const [rows, lastMessages] = await Promise.all([
      this.firstParticipants(chatIds),
      this.lastMessages(chatIds),
    ]);
    const participants = new Map<string, ParticipantDto[]>(chatIds.map((id) => [id, []]));
    for (const { chat_id, ...participant } of await this.participants(rows))
      participants.get(chat_id)!.push(participant);
    return ({ chat_id, muted_until, created_at, activity_at, ...row }) => ({
      id: chat_id,
      ...row,
      participants: participants.get(chat_id)!,
      last_message: lastMessages.get(chat_id) ?? null,
      muted_until: muted_until?.toISOString() ?? null,
      created_at: created_at.toISOString(),
      updated_at: activity_at.toISOString(),
    });
  }

  private chats(seen: { chatId: string; userId: string }[]): Promise<ChatRow[]> {
    return this.prisma.$queryRaw<ChatRow[]>`
      SELECT ${CHAT_COLUMNS}, ${OWN_COLUMNS}
      FROM unnest(${seen.map((s) => s.chatId)}::uuid[], ${seen.map((s) => s.userId)}::uuid[])
        WITH ORDINALITY AS s(chat_id, user_id, ord)
      JOIN chats c ON c.id = s.chat_id
      JOIN chat_members p ON p.chat_id = s.chat_id AND p.user_id = s.user_id AND p.left_at IS NULL
      ORDER BY s.ord`;
  }

  private chatOfMembers(chatId: string): Promise<(ChatRow & { user_ids: string[] })[]> {
    return this.prisma.$queryRaw<(ChatRow & { user_ids: string[] })[]>`
      SELECT ${CHAT_COLUMNS}, s.* FROM chats c CROSS JOIN LATERAL (
        SELECT last_read_seq, unread_count, muted_until, archived, array_agg(user_id) AS user_ids
        FROM (
          SELECT p.user_id, ${OWN_COLUMNS}
          FROM chat_members p WHERE p.chat_id = c.id AND p.left_at IS NULL
        ) m
        GROUP BY last_read_seq, unread_count, muted_until, archived
      ) s
      WHERE c.id = ${chatId}::uuid`;
  }

  private firstParticipants(chatIds: string[]): Promise<(ParticipantRow & { cut: boolean })[]> {
    return this.prisma.$queryRaw<(ParticipantRow & { cut: boolean })[]>`
      SELECT l.*, c.blocked OR c.gone AS cut FROM unnest(${chatIds}::uuid[]) AS s(chat_id)
      JOIN chats c ON c.id = s.chat_id CROSS JOIN LATERAL (
        SELECT ${PARTICIPANT_COLUMNS} FROM chat_members p JOIN users u ON u.id = p.user_id
        WHERE p.chat_id = s.chat_id AND p.left_at IS NULL ORDER BY p.user_id LIMIT ${PARTICIPANTS_SHOWN}
      ) l`;
  }

  private async lastMessages(chatIds: string[]) {
    const rows = await this.prisma.$queryRaw<LastMessageRow[]>`
      SELECT ${MESSAGE_COLUMNS}, COALESCE(o.read >= m.seq, false) AS read_by_all,
        COALESCE(o.delivered >= m.seq, false) AS delivered_to_all
      FROM chats c JOIN messages m ON m.chat_id = c.id AND m.seq = c.last_seq JOIN users u ON u.id = m.sender_id
      CROSS JOIN LATERAL (
        SELECT min(last_read_seq) AS read, min(last_delivered_seq) AS delivered FROM chat_members p
        WHERE p.chat_id = c.id AND p.user_id <> m.sender_id AND p.left_at IS NULL
      ) o
      WHERE c.id = ANY(${chatIds}::uuid[])`;
    return new Map(
      rows.map((row) => {
        const status = row.read_by_all ? 'read' : row.delivered_to_all ? 'delivered' : 'sent';
        return [row.chat_id, toMessage(row, status)];
      }),
    );
  }
}
