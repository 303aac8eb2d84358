import { AppError } from '#contracts';
import { PrismaService, type Prisma } from '#platform';
import { Injectable } from '@nestjs/common';
import { ChatTurns } from './chat-turns.js';
import { Memberships, notFound, notMember, type Membership } from './membership.js';
import { WriteTurns } from './write-turns.js';

export interface LockedGroup {
  id: string;
  last_seq: number;
  member_count: number;
  role: Membership['role'];
}

/** Changes the group under its lock; null says that there was nothing to change. */
type GroupWork<T> = (tx: Prisma.TransactionClient, group: LockedGroup) => Promise<T | null>;

/** Where a group itself is changed: under its lock, and numbered. */
@Injectable()
export class GroupChanges {
  constructor(
    private readonly prisma: PrismaService,
    private readonly memberships: Memberships,
    private readonly turns: ChatTurns,
    private readonly writes: WriteTurns,
  ) {}

  /**
   * @returns what `work` returns; after null the group has no new number, and nobody is to be told
   * @throws AppError CHAT_NOT_FOUND, FORBIDDEN (not a member, or a direct chat), UNAVAILABLE, or what `work` throws
   */
  async change<T>(chatId: string, userId: string, work: GroupWork<T>): Promise<T | null> {
    // Strangers are refused here, so that they do not even stand in the chat's line.
    await this.memberships.require(chatId, userId);
    // Between two batches of sends: what was numbered before has been told when it begins, and nothing is numbered
    // after it that is told before its caller has gone on, and let those who left go.
    return this.turns.take(chatId, () =>
      this.writes.take(() => this.prisma.$transaction((tx) => this.locked(tx, chatId, userId, work))),
    );
  }

  private async locked<T>(
    tx: Prisma.TransactionClient,
    chatId: string,
    userId: string,
    work: GroupWork<T>,
  ): Promise<T | null> {
    const [chat] = await tx.$queryRaw<(Omit<LockedGroup, 'role'> & { type: string })[]>`
      SELECT id, type, last_seq, member_count FROM chats WHERE id = ${chatId}::uuid FOR NO KEY UPDATE`;
    if (!chat) throw notFound();
    const member = await tx.chatMember.findUnique({
      where: { chatId_userId: { chatId, userId }, leftAt: null },
    });
    if (!member) throw notMember();
    if (chat.type === 'direct') throw new AppError('FORBIDDEN', 'A direct chat cannot be changed');
    const changed = await work(tx, { ...chat, role: member.role });
    if (changed !== null)
      await tx.$executeRaw`
        UPDATE chats SET change_seq = change_seq + 1, changed_xid = pg_current_xact_id() WHERE id = ${chatId}::uuid`;
    return changed;
  }
}

/** @throws AppError FORBIDDEN */
export function assertRunsGroup({ role }: LockedGroup): void {
  if (role === 'member')
    throw new AppError('FORBIDDEN', 'Only the owner and the admins of the group may do this');
}
