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
    // One row of each kind and user: a row of each relationship would cost the event loop much more.
    const { rows } = await this.pool.query<{ user: string; ids: string; tie: keyof typeof ROOMS }>({
      name: 'ties',
      text: `SELECT follower_id AS user, string_agg(followee_id::text, ',') AS ids, 'follows' AS tie FROM follows
         WHERE follower_id = ANY($1::uuid[]) GROUP BY follower_id
       UNION ALL SELECT user_id, string_agg(friend_id::text, ','), 'friends' FROM friends
         WHERE user_id = ANY($1::uuid[]) GROUP BY user_id
       UNION ALL SELECT blocker_id, string_agg(blocked_id::text, ','), 'cut' FROM blocks
         WHERE blocker_id = ANY($1::uuid[]) GROUP BY blocker_id
       UNION ALL SELECT blocked_id, string_agg(blocker_id::text, ','), 'cut' FROM blocks
         WHERE blocked_id = ANY($1::uuid[]) GROUP BY blocked_id`,
      values: [userIds],
    });
    const found = new Map<string, string[]>(userIds.map((userId) => [userId, []]));
    for (const { user, ids, tie } of rows)
      for (const id of ids.split(',')) found.get(user)!.push(ROOMS[tie](id));
    return userIds.map((userId) => found.get(userId)!);
  }
}
