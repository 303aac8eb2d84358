import { cutRoom, followersRoom } from '#contracts';
import { PrismaService } from '#platform';
import { Injectable } from '@nestjs/common';

/** What ties a user to others, or cuts them off, as far as it decides what their devices hear. */
@Injectable()
export class Ties {
  constructor(private readonly prisma: PrismaService) {}

  /** Those that each of the user's devices is to be in. */
  async roomsOf(userId: string): Promise<string[]> {
    const rows = await this.prisma.$queryRaw<{ id: string; cut: boolean }[]>`
      SELECT followee_id AS id, false AS cut FROM follows WHERE follower_id = ${userId}::uuid
      UNION ALL SELECT blocked_id, true FROM blocks WHERE blocker_id = ${userId}::uuid
      UNION ALL SELECT blocker_id, true FROM blocks WHERE blocked_id = ${userId}::uuid`;
    return rows.map(({ id, cut }) => (cut ? cutRoom(id) : followersRoom(id)));
  }
}
