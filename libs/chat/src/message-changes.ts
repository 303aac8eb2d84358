import { AppError, chatRoom, userRoom, type MessageDto, type ReactionDto } from '#contracts';
import { Prisma, PrismaService, RateLimits, RealtimeEmitter } from '#platform';
import { Injectable } from '@nestjs/common';
import { ChatTurns } from './chat-turns.js';
import { Memberships, cutOff, noSuchUser, notMember } from './membership.js';
import { MESSAGE_COLUMNS, toMessage, type MessageRow } from './message-wire.js';
import { cutsWithin, statusesOf } from './shown-marks.js';

export interface Current extends MessageRow {
  member_role: 'owner' | 'admin' | 'member';
  chat_type: 'direct' | 'group';
  /** By a block between its two people: then one may still take back what one said. */
  chat_blocked: boolean;
  /** By a ban of one of them, in the same way. */
  chat_gone: boolean;
}

export type MessageChange = Partial<{
  content: string;
  metadata: object;
  reactions: ReactionDto[];
  editedAt: Date;
  deletedAt: Date;
  pinnedAt: Date | null;
}>;

type ChangeEvent =
  | 'chat:message:edited'
  | 'chat:message:deleted'
  | 'chat:message:reaction'
  | 'chat:message:pinned'
  | 'chat:message:unpinned';

/** A message as several see it; null stands for those whom no block in the chat concerns. */
interface AsSeen {
  viewers: (string | null)[];
  as: (viewer: string | null) => MessageDto;
}

type Decision = (
  message: Current,
  tx: Prisma.TransactionClient,
) => MessageChange | null | Promise<MessageChange | null>;

const noSuchMessage = () => new AppError('NOT_FOUND', 'No such message');

/** Where a message that was sent is changed: numbered under the chat's lock, told after the commit. */
@Injectable()
export class MessageChanges {
  constructor(
    private readonly prisma: PrismaService,
    private readonly emitter: RealtimeEmitter,
    private readonly limits: RateLimits,
    private readonly memberships: Memberships,
    private readonly turns: ChatTurns,
  ) {}

  /**
   * Runs `decide` with the message as it is under the chat's lock, and stores what it returns; null changes nothing.
   * @throws AppError RATE_LIMIT, NOT_FOUND (no such message, deleted, or the other is banned), FORBIDDEN (not a member), UNAVAILABLE, or
   *   what `decide` throws
   */
  async change(
    { messageId, chatId }: { messageId: string; chatId?: string },
    userId: string,
    event: ChangeEvent,
    decide: Decision,
  ): Promise<MessageDto> {
    await this.limits.take('message', userId);
    const inChat = await this.chatOf(messageId, userId, chatId);
    const { message, asOthersSeeIt } = await this.turns.take(inChat, () =>
      this.prisma.$transaction((tx) => this.store(tx, messageId, userId, event, decide)),
    );
    if (asOthersSeeIt) this.tell(event, asOthersSeeIt);
    return message;
  }

  /** One frame for all, but for those whom a block cuts off from another member: they see other marks. */
  private tell(event: ChangeEvent, { viewers, as }: AsSeen): void {
    const apart = viewers.filter((viewer) => viewer !== null);
    const message = as(null);
    if (apart.length === 0) return this.emitter.toChat(message.chat_id, event, message);
    this.emitter.toRooms([chatRoom(message.chat_id)], event, message, apart.map(userRoom));
    for (const viewer of apart) this.emitter.toUser(viewer, event, as(viewer));
  }

  /** Strangers are refused here, so that they do not even stand in the chat's line. */
  private async chatOf(messageId: string, userId: string, saidToBe?: string): Promise<string> {
    if (saidToBe) await this.memberships.require(saidToBe, userId);
    const [found] = await this.prisma.$queryRaw<{ chat_id: string; is_member: boolean }[]>`
      SELECT m.chat_id, p.user_id IS NOT NULL AS is_member FROM messages m
      LEFT JOIN chat_members p ON p.chat_id = m.chat_id AND p.user_id = ${userId}::uuid AND p.left_at IS NULL
      WHERE m.id = ${messageId}::uuid`;
    if (!found || (saidToBe && saidToBe !== found.chat_id)) throw noSuchMessage();
    if (!found.is_member) throw notMember();
    return found.chat_id;
  }

  private async store(
    tx: Prisma.TransactionClient,
    messageId: string,
    userId: string,
    event: ChangeEvent,
    decide: Decision,
  ) {
    const current = await this.lock(tx, messageId, userId);
    if (event !== 'chat:message:deleted') {
      if (current.chat_gone) throw noSuchUser();
      if (current.chat_blocked) throw cutOff();
    }
    const change = await decide(current, tx);
    if (!change) return { message: (await this.seen(tx, current, [userId])).as(userId) };
    const [chat] = await tx.$queryRaw<{ change_seq: number }[]>`
      UPDATE chats SET change_seq = change_seq + 1, changed_xid = pg_current_xact_id()
      WHERE id = ${current.chat_id}::uuid RETURNING change_seq`;
    await tx.message.update({
      where: { id: messageId },
      data: { ...(change as object), changeSeq: chat!.change_seq },
    });
    const cuts = await cutsWithin(tx, current.chat_id);
    const row = await this.read(tx, messageId);
    const { as } = await this.seen(tx, row, [userId, null, ...cuts.keys()]);
    return { message: as(userId), asOthersSeeIt: { viewers: [null, ...cuts.keys()], as } };
  }

  private async lock(tx: Prisma.TransactionClient, messageId: string, userId: string): Promise<Current> {
    const [locked] = await tx.$queryRaw<{ id: string }[]>`
      SELECT c.id FROM chats c WHERE c.id = (SELECT chat_id FROM messages WHERE id = ${messageId}::uuid)
      FOR NO KEY UPDATE`;
    if (!locked) throw noSuchMessage();
    const [current] = await tx.$queryRaw<(MessageRow & Partial<Current>)[]>`
      SELECT ${MESSAGE_COLUMNS}, p.role AS member_role, c.type AS chat_type, c.blocked AS chat_blocked, c.gone AS chat_gone
      FROM messages m JOIN users u ON u.id = m.sender_id JOIN chats c ON c.id = m.chat_id
      LEFT JOIN chat_members p ON p.chat_id = m.chat_id AND p.user_id = ${userId}::uuid AND p.left_at IS NULL
      WHERE m.id = ${messageId}::uuid`;
    if (!current?.member_role) throw notMember();
    if (current.deleted_at) throw noSuchMessage();
    return current as Current;
  }

  private async read(tx: Prisma.TransactionClient, messageId: string): Promise<MessageRow> {
    const [row] = await tx.$queryRaw<MessageRow[]>`
      SELECT ${MESSAGE_COLUMNS} FROM messages m JOIN users u ON u.id = m.sender_id WHERE m.id = ${messageId}::uuid`;
    return row!;
  }

  private async seen(
    tx: Prisma.TransactionClient,
    row: MessageRow,
    viewers: (string | null)[],
  ): Promise<AsSeen> {
    const statuses = await statusesOf(tx, row, viewers);
    return { viewers, as: (viewer) => toMessage(row, statuses.get(viewer)!) };
  }
}
