import { noSuchUser } from '#identity';
import { type MessageDto, type ReactionDto } from '#contracts';
import { Prisma, PrismaService, RateLimits, WORK } from '#platform';
import { EventPublisher, chatTopic, userTopic } from '#realtime';
import { Injectable } from '@nestjs/common';
import { WriteMutex } from './write-mutex.js';
import { Memberships, blockedError, notMember, noSuchMessage } from '../membership/membership.js';
import { pointsOf, pointsOfAudience, pointsOfSize } from './message-points.js';
import { SIZE, asNamed, messageColumns, namedIn, toMessage, type MessageRow } from './message-wire.js';
import { groupedBy, memberViews, nameless, uuid, type MemberViews } from '../receipts/shown-cursors.js';

export interface Current extends MessageRow {
  member_role: 'owner' | 'admin' | 'member';
  chat_type: 'direct' | 'group';
  /** Closed by a block between its two members: a user may still delete their own messages. */
  chat_blocked: boolean;
  /** Closed by a ban of one of them, with the same exception. */
  chat_gone: boolean;
}

type MessageChange = Partial<{
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

/** The chat of a message, and its size. */
interface Found {
  chat_id: string;
  bytes: number;
}

/** A message after a decision, and the views of the members. */
interface Decided {
  row: MessageRow;
  isChanged: boolean;
  sights: MemberViews;
}

type Decision = (
  message: Current,
  tx: Prisma.TransactionClient,
) => MessageChange | null | Promise<MessageChange | null>;

/** Changes messages that were sent: numbered under the chat's lock, published after the commit. */
@Injectable()
export class MessageChanges {
  constructor(
    private readonly prisma: PrismaService,
    private readonly publisher: EventPublisher,
    private readonly limits: RateLimits,
    private readonly memberships: Memberships,
    private readonly mutex: WriteMutex,
  ) {}

  /**
   * Runs `decide` with the message under the chat's lock, and stores the result; null changes nothing.
   * @throws AppError RATE_LIMIT, NOT_FOUND (when the message is missing or deleted, or the other user is banned),
   *   FORBIDDEN (when the user is not a member), UNAVAILABLE, or any error of `decide`
   * @param newText the text that an edit would store
   */
  async change(
    { messageId, chatId }: { messageId: string; chatId?: string },
    userId: string,
    event: ChangeEvent,
    decide: Decision,
    newText = '',
  ): Promise<MessageDto> {
    await this.limits.take('message', userId, 1 + pointsOf(newText));
    const found = await this.find(messageId, userId, chatId);
    const points =
      pointsOfSize(found.bytes) + pointsOfAudience(this.publisher.audience(chatTopic(found.chat_id)));
    if (points > 0) await this.limits.take('message', userId, points);
    const decided = await this.mutex.change(found.chat_id, () =>
      this.prisma.$transaction((tx) => this.store(tx, messageId, userId, event, decide)),
    );
    if (decided.isChanged) this.publish(event, decided);
    const { row, sights } = decided;
    return asNamed(toMessage(row, sights.statusFor(userId)), sights.hiddenFor(userId));
  }

  /**
   * Publishes one frame for all, and separate frames for viewers with a block between them and a member, or a person in
   * the message.
   */
  private publish(event: ChangeEvent, { row, sights }: Decided): void {
    const common = toMessage(row, sights.statusFor(null));
    let views = sights;
    let groups = groupedBy(views.apart, views.keyOf);
    if (groups.length > WORK.messageForms.most) {
      views = nameless(sights);
      groups = groupedBy(views.apart, views.keyOf);
    }
    this.publisher.publish(chatTopic(row.chat_id), event, common, {
      except: [...sights.apart].map(userTopic),
    });
    for (const viewers of groups) {
      const [one] = viewers;
      const message = asNamed({ ...common, status: views.statusFor(one) }, views.hiddenFor(one));
      this.publisher.publish(viewers.map(userTopic), event, message);
    }
  }

  /** Refuses people outside of the chat before they enter its queue. */
  private async find(messageId: string, userId: string, saidToBe?: string): Promise<Found> {
    if (saidToBe) await this.memberships.require(saidToBe, userId);
    const [found] = await this.prisma.$queryRaw<(Found & { is_member: boolean })[]>`
      SELECT m.chat_id, ${SIZE} AS bytes, p.user_id IS NOT NULL AS is_member FROM messages m
      LEFT JOIN chat_members p ON p.chat_id = m.chat_id AND p.user_id = ${userId}::uuid AND p.left_at IS NULL
      WHERE m.id = ${messageId}::uuid`;
    if (!found || (saidToBe && saidToBe !== found.chat_id)) throw noSuchMessage();
    if (!found.is_member) throw notMember();
    return found;
  }

  private async store(
    tx: Prisma.TransactionClient,
    messageId: string,
    userId: string,
    event: ChangeEvent,
    decide: Decision,
  ): Promise<Decided> {
    const current = await this.lock(tx, messageId, userId);
    if (event !== 'chat:message:deleted') {
      if (current.chat_gone) throw noSuchUser();
      if (current.chat_blocked) throw blockedError();
    }
    const change = await decide(current, tx);
    const sights = await memberViews(tx, current.chat_id, namedIn(current), messageId);
    if (!change) return { row: current, isChanged: false, sights };
    const [chat] = await tx.$queryRaw<{ change_seq: number }[]>`
      UPDATE chats SET change_seq = change_seq + 1, changed_xid = pg_current_xact_id()
      WHERE id = ${current.chat_id}::uuid RETURNING change_seq`;
    await tx.message.update({
      where: { id: messageId },
      data: {
        ...(change as object),
        changeSeq: chat!.change_seq,
        ...((change.content ?? change.metadata) !== undefined && { contentChangeSeq: chat!.change_seq }),
      },
    });
    return { row: await this.read(tx, messageId), isChanged: true, sights };
  }

  private async lock(tx: Prisma.TransactionClient, messageId: string, userId: string): Promise<Current> {
    const [locked] = await tx.$queryRaw<{ id: string }[]>`
      SELECT c.id FROM chats c WHERE c.id = (SELECT chat_id FROM messages WHERE id = ${messageId}::uuid)
      FOR NO KEY UPDATE`;
    if (!locked) throw noSuchMessage();
    const [current] = await tx.$queryRaw<(MessageRow & Partial<Current>)[]>`
      SELECT ${messageColumns(uuid(null))}, p.role AS member_role, c.type AS chat_type, c.blocked AS chat_blocked, c.gone AS chat_gone
      FROM messages m JOIN users u ON u.id = m.sender_id JOIN chats c ON c.id = m.chat_id
      LEFT JOIN chat_members p ON p.chat_id = m.chat_id AND p.user_id = ${userId}::uuid AND p.left_at IS NULL
      WHERE m.id = ${messageId}::uuid`;
    if (!current?.member_role) throw notMember();
    if (current.deleted_at) throw noSuchMessage();
    return current as Current;
  }

  private async read(tx: Prisma.TransactionClient, messageId: string): Promise<MessageRow> {
    const [row] = await tx.$queryRaw<MessageRow[]>`
      SELECT ${messageColumns(uuid(null))} FROM messages m JOIN users u ON u.id = m.sender_id WHERE m.id = ${messageId}::uuid`;
    return row!;
  }
}
