import { AppError, type MEMBER_ROLES } from '#contracts';
import { PrismaService } from '#platform';
import { Injectable } from '@nestjs/common';

export interface Membership {
  role: (typeof MEMBER_ROLES)[number];
  last_seq: number;
  /** The newest message this member may see: the chat's last one, or the last before they left. */
  visible_seq: number;
  left: boolean;
  type: 'direct' | 'group';
}

export const notFound = () => new AppError('CHAT_NOT_FOUND', 'No such chat');
export const notMember = () => new AppError('FORBIDDEN', 'You are not a participant of this chat');

@Injectable()
export class Memberships {
  constructor(private readonly prisma: PrismaService) {}

  /** @throws AppError CHAT_NOT_FOUND; FORBIDDEN for strangers and, unless `formerToo`, for those who left */
  async require(chatId: string, userId: string, formerToo = false): Promise<Membership> {
    const [row] = await this.prisma.$queryRaw<
      (Omit<Membership, 'role'> & { role: Membership['role'] | null })[]
    >`
      SELECT m.role, c.type, c.last_seq, COALESCE(m.left_seq, c.last_seq) AS visible_seq, m.left_at IS NOT NULL AS left
      FROM chats c LEFT JOIN chat_members m ON m.chat_id = c.id AND m.user_id = ${userId}::uuid
      WHERE c.id = ${chatId}::uuid`;
    if (!row) throw notFound();
    if (!row.role || (row.left && !formerToo)) throw notMember();
    return { ...row, role: row.role };
  }

  /** Every chat the user is in: a device hears them all. */
  async chatIdsOf(userId: string): Promise<string[]> {
    const rows = await this.prisma.chatMember.findMany({
      where: { userId, leftAt: null },
      select: { chatId: true },
    });
    return rows.map(({ chatId }) => chatId);
  }
}
