import { Batcher, CONNECT_BATCH, PgPool, blockedRoom, followersRoom, friendsRoom } from '#platform';
import { Injectable } from '@nestjs/common';

const ROOMS = { follows: followersRoom, friends: friendsRoom, cut: blockedRoom };

/** Follows, friends and blocks of a user, as far as they decide which rooms the user's devices are in. */
@Injectable()
export class Relationships {
  /** Batches devices that connect at once: many clients that reconnect share queries. */
  private readonly rooms = new Batcher((userIds: string[]) => this.roomsOfAll(userIds), CONNECT_BATCH);

  constructor(private readonly pool: PgPool) {}

  /** The rooms of each device of the user. */
  roomsOf(userId: string): Promise<string[]> {
    return this.rooms.add(userId);
  }

  /** In the order of the users. */
  private async roomsOfAll(userIds: string[]): Promise<string[][]> {
    const { rows } = await this.pool.query<{ user: string; id: string; tie: keyof typeof ROOMS }>({
      name: 'ties',
      text: `SELECT follower_id AS user, followee_id AS id, 'follows' AS tie FROM follows WHERE follower_id = ANY($1::uuid[])
       UNION ALL SELECT user_id, friend_id, 'friends' FROM friends WHERE user_id = ANY($1::uuid[])
       UNION ALL SELECT blocker_id, blocked_id, 'cut' FROM blocks WHERE blocker_id = ANY($1::uuid[])
       UNION ALL SELECT blocked_id, blocker_id, 'cut' FROM blocks WHERE blocked_id = ANY($1::uuid[])`,
      values: [userIds],
    });
    const found = new Map<string, string[]>(userIds.map((userId) => [userId, []]));
    for (const { user, id, tie } of rows) found.get(user)!.push(ROOMS[tie](id));
    return userIds.map((userId) => found.get(userId)!);
  }
}
