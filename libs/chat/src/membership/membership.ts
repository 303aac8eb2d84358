import { noSuchUser } from '#identity';
import { AppError, type FieldError, type MEMBER_ROLES } from '#contracts';
import { WORK, Batcher, CONNECT_BATCH, Metrics, PgPool, Prisma, PrismaService } from '#platform';
import { DatabaseSnapshot } from '#realtime';
import { Injectable } from '@nestjs/common';

export interface Membership {
  role: (typeof MEMBER_ROLES)[number];
  /** The member's own name. */
  name: string;
  last_seq: number;
  /** The newest message that this member may see: the last one of the chat, or the last before they left. */
  visible_seq: number;
  left: boolean;
  /** The chat's change number when a former member left; null for current members. */
  left_change_seq: number | null;
  type: 'direct' | 'group';
  /** True for a direct chat closed by a block: its messages stay readable. */
  blocked: boolean;
  /** True for a direct chat closed by a ban of one of the two: its messages stay readable. */
  gone: boolean;
  /** True for a direct chat that has not been shown to the other member yet. */
  isUnseen: boolean;
}

/**
 * SQL condition on a member `p` of a chat `c`: it is in the member's list. A direct chat is listed once they opened it
 * or it has a message.
 */
export const IS_LISTED = Prisma.raw('(p.opened OR c.last_seq > 0)');

/**
 * SQL condition on a member `p`: a direct chat that has not been shown to the other member yet. The member's online
 * state is not published there.
 */
const IS_UNSEEN = `EXISTS (
  SELECT FROM chat_members o JOIN chats s ON s.id = o.chat_id
  WHERE o.chat_id = p.chat_id AND NOT o.opened AND o.user_id <> p.user_id AND s.last_seq = 0)`;

export const notFound = () => new AppError('CHAT_NOT_FOUND', 'No such chat');
export const notMember = () =>
  new AppError('FORBIDDEN', 'You are not a participant of this chat', { reason: 'not_a_member' });
export const noSuchMessage = () =>
  new AppError('NOT_FOUND', 'No such message', { reason: 'message_not_found' });
export const blockedError = () =>
  new AppError('FORBIDDEN', 'You cannot contact this user', { reason: 'blocked' });

/** @param details names the people it concerns */
export const notAccepted = (message: string, details?: FieldError[]) =>
  new AppError('FORBIDDEN', message, { reason: 'not_accepted', details });

/** The chats of a user, and the direct ones among them that have not been shown to the other member yet. */
interface ChatsOf {
  chatIds: string[];
  unseen: string[];
  /** The state of the database that was read. */
  snapshot: DatabaseSnapshot;
}

@Injectable()
export class Memberships {
  /** Batches devices that connect at once: many clients that reconnect share queries. */
  private readonly chats = new Batcher((userIds: string[]) => this.chatIdsOfAll(userIds), {
    ...CONNECT_BATCH,
    onRefused: () => this.metrics.refuse(WORK.lookUps),
  });

  constructor(
    private readonly prisma: PrismaService,
    private readonly pool: PgPool,
    private readonly metrics: Metrics,
  ) {}

  /**
   * @throws AppError CHAT_NOT_FOUND, FORBIDDEN (for people outside of the chat and, unless `formerToo`, for former
   *   members)
   */
  async require(chatId: string, userId: string, formerToo = false): Promise<Membership> {
    const [row] = await this.prisma.$queryRaw<
      (Omit<Membership, 'role'> & { role: Membership['role'] | null })[]
    >`
      SELECT p.role, (SELECT name FROM users WHERE id = ${userId}::uuid) AS name, c.type, c.blocked, c.gone, c.last_seq, COALESCE(p.left_seq, c.last_seq) AS visible_seq, p.left_at IS NOT NULL AS left,
        CASE WHEN p.left_at IS NOT NULL THEN COALESCE(p.left_change_seq, 0) END AS left_change_seq,
        ${Prisma.raw(IS_UNSEEN)} AS "isUnseen"
      FROM chats c LEFT JOIN chat_members p ON p.chat_id = c.id AND p.user_id = ${userId}::uuid
      WHERE c.id = ${chatId}::uuid`;
    if (!row) throw notFound();
    if (!row.role || (row.left && !formerToo)) throw notMember();
    return { ...row, role: row.role };
  }

  /**
   * Requires that a member may send to the chat. @throws AppError CHAT_NOT_FOUND, FORBIDDEN, NOT_FOUND (when the other
   * user is banned)
   */
  async requireOpen(chatId: string, userId: string): Promise<Membership> {
    const membership = await this.require(chatId, userId);
    if (membership.gone) throw noSuchUser();
    if (membership.blocked) throw blockedError();
    return membership;
  }

  /**
   * Every chat of the user, whose events all their devices receive. Includes the groups of a banned user, who has no
   * device: their members receive that the user goes offline.
   */
  chatIdsOf(userId: string): Promise<ChatsOf> {
    return this.chats.add(userId);
  }

  /** In the order of the users. */
  private async chatIdsOfAll(userIds: string[]): Promise<ChatsOf[]> {
    const { rows } = await this.pool.query<
      { user: string; chats: string[]; unseen: string[] | null } | { user: null; chats: [snapshot: string] }
    >({
      name: 'chats-of',
      text: `SELECT user_id AS user, array_agg(chat_id::text) AS chats,
         array_agg(chat_id::text) FILTER (WHERE ${IS_UNSEEN}) AS unseen
       FROM chat_members p WHERE user_id = ANY($1::uuid[]) AND (left_at IS NULL OR left_by_ban) GROUP BY user_id
       UNION ALL SELECT NULL, ARRAY[pg_current_snapshot()::text], NULL`,
      values: [userIds],
    });
    const snapshot = new DatabaseSnapshot(rows.find(({ user }) => user === null)!.chats[0]);
    const found = new Map<string, ChatsOf>();
    for (const row of rows)
      if (row.user !== null) found.set(row.user, { chatIds: row.chats, unseen: row.unseen ?? [], snapshot });
    return userIds.map((userId) => found.get(userId) ?? { chatIds: [], unseen: [], snapshot });
  }
}
