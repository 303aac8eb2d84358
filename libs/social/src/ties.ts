import { cutRoom, followersRoom, friendsRoom } from '#contracts';
import { PrismaService } from '#platform';
import { Injectable } from '@nestjs/common';

const ROOMS = { follows: followersRoom, friends: friendsRoom, cut: cutRoom };

/** What ties a user to others, or cuts them off, as far as it decides what their devices hear. */
@Injectable()
export class Ties {
  constructor(private readonly prisma: PrismaService) {}

  /** Those that each of the user's devices is to be in. */
  async roomsOf(userId: string): Promise<string[]> {
    const rows = await this.prisma.$queryRaw<{ id: string; tie: keyof typeof ROOMS }[]>`
      SELECT followee_id AS id, 'follows' AS tie FROM follows WHERE follower_id = ${userId}::uuid
      UNION ALL SELECT friend_id, 'friends' FROM friends WHERE user_id = ${userId}::uuid
      UNION ALL SELECT blocked_id, 'cut' FROM blocks WHERE blocker_id = ${userId}::uuid
      UNION ALL SELECT blocker_id, 'cut' FROM blocks WHERE blocked_id = ${userId}::uuid`;
    return rows.map(({ id, tie }) => ROOMS[tie](id));
  }
}
