import { AppError } from '#contracts';
import { PrismaService, type Prisma } from '#platform';
import { subscriptionVersion, type SubscriptionVersion } from '#realtime';
import { Injectable } from '@nestjs/common';
import { WriteMutex } from '../messages/write-mutex.js';
import { notFound, notMember, type Membership } from './membership.js';

export interface Group {
  id: string;
  last_seq: number;
  change_seq: number;
  member_count: number;
  role: Membership['role'];
}

interface GroupChange<T> {
  /**
   * Reads the group and decides, without writes or locks. Null means that nothing changes. Called first without the
   * group's lock, and again under it.
   */
  decide: (db: Prisma.TransactionClient, group: Group) => Promise<T | null>;
  /** Called once, before any lock: a user over a limit waits for none. */
  limit?: (decided: T) => Promise<void>;
  /** Writes the decision under the lock. A change that is `unseen` is not published. */
  store: (tx: Prisma.TransactionClient, decided: T, group: Group) => Promise<unknown>;
}

interface Changed<T> {
  decided: T;
  version: SubscriptionVersion;
}

/** Changes groups: under their lock, and with a change number. */
@Injectable()
export class GroupChanges {
  constructor(
    private readonly prisma: PrismaService,
    private readonly mutex: WriteMutex,
  ) {}

  /**
   * @returns the decision made under the lock, and its version; null means that nothing was changed, and nothing must be
   *   published
   * @throws AppError CHAT_NOT_FOUND, FORBIDDEN (when the user is not a member, or in a direct chat), UNAVAILABLE, or
   *   any error of the change
   */
  async change<T>(chatId: string, userId: string, change: GroupChange<T>): Promise<Changed<T> | null> {
    // A forbidden or empty change is answered without waiting.
    const group = await groupOf(this.prisma, chatId, userId);
    const decided = await change.decide(this.prisma, group);
    if (decided === null) return null;
    await change.limit?.(decided);
    return this.mutex.change(chatId, () =>
      this.prisma.$transaction((tx) => storeLocked(tx, chatId, userId, change)),
    );
  }
}

async function storeLocked<T>(
  tx: Prisma.TransactionClient,
  chatId: string,
  userId: string,
  { decide, store }: GroupChange<T>,
): Promise<Changed<T> | null> {
  await tx.$queryRaw`SELECT FROM chats WHERE id = ${chatId}::uuid FOR NO KEY UPDATE`;
  // A separate statement: the one that waited for the lock sees other rows as they were before.
  const group = await groupOf(tx, chatId, userId);
  const decided = await decide(tx, group);
  if (decided === null) return null;
  if ((await store(tx, decided, group)) === 'unseen') return null;
  await tx.$executeRaw`
    UPDATE chats SET change_seq = change_seq + 1, changed_xid = pg_current_xact_id() WHERE id = ${chatId}::uuid`;
  return { decided, version: await subscriptionVersion(tx) };
}

/** @throws AppError CHAT_NOT_FOUND, FORBIDDEN */
async function groupOf(db: Prisma.TransactionClient, chatId: string, userId: string): Promise<Group> {
  const [chat] = await db.$queryRaw<(Omit<Group, 'role'> & { type: string; role: Group['role'] | null })[]>`
    SELECT c.id, c.type, c.last_seq, c.change_seq, c.member_count, p.role FROM chats c
    LEFT JOIN chat_members p ON p.chat_id = c.id AND p.user_id = ${userId}::uuid AND p.left_at IS NULL
    WHERE c.id = ${chatId}::uuid`;
  if (!chat) throw notFound();
  const { role, type, ...group } = chat;
  if (!role) throw notMember();
  if (type === 'direct') throw new AppError('FORBIDDEN', 'A direct chat cannot be changed');
  return { ...group, role };
}

/** @throws AppError FORBIDDEN */
export function assertRunsGroup({ role }: Group): void {
  if (role === 'member')
    throw new AppError('FORBIDDEN', 'Only the owner and the admins of the group may do this');
}
