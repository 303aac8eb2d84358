import { WORK, Batcher, CONNECT_BATCH, Metrics, PgPool } from '#platform';
import { DatabaseSnapshot, blockedTopic, followersTopic, friendsTopic, type Topic } from '#realtime';
import { Injectable } from '@nestjs/common';

const TOPICS = { follows: followersTopic, friends: friendsTopic, cut: blockedTopic };

interface RelatedTopics {
  topics: Topic[];
  /** The state of the database that was read. */
  snapshot: DatabaseSnapshot;
}

/** Follows, friends and blocks of a user, as far as they decide the subscriptions of the user's devices. */
@Injectable()
export class Relationships {
  /** Batches devices that connect at once: many clients that reconnect share queries. */
  private readonly lookUps = new Batcher((userIds: string[]) => this.topicsOfAll(userIds), {
    ...CONNECT_BATCH,
    onRefused: () => this.metrics.refuse(WORK.lookUps),
  });

  constructor(
    private readonly pool: PgPool,
    private readonly metrics: Metrics,
  ) {}

  topicsOf(userId: string): Promise<RelatedTopics> {
    return this.lookUps.add(userId);
  }

  /** In the order of the users. */
  private async topicsOfAll(userIds: string[]): Promise<RelatedTopics[]> {
    // One row of each kind and user: a row of each relationship would cost the event loop much more.
    const { rows } = await this.pool.query<
      { user: string; ids: string; tie: keyof typeof TOPICS } | { user: null; ids: string }
    >({
      name: 'ties',
      text: `SELECT follower_id AS user, string_agg(followee_id::text, ',') AS ids, 'follows' AS tie FROM follows
         WHERE follower_id = ANY($1::uuid[]) GROUP BY follower_id
       UNION ALL SELECT user_id, string_agg(friend_id::text, ','), 'friends' FROM friends
         WHERE user_id = ANY($1::uuid[]) GROUP BY user_id
       UNION ALL SELECT blocker_id, string_agg(blocked_id::text, ','), 'cut' FROM blocks
         WHERE blocker_id = ANY($1::uuid[]) GROUP BY blocker_id
       UNION ALL SELECT blocked_id, string_agg(blocker_id::text, ','), 'cut' FROM blocks
         WHERE blocked_id = ANY($1::uuid[]) GROUP BY blocked_id
       UNION ALL SELECT NULL, pg_current_snapshot()::text, NULL`,
      values: [userIds],
    });
    const snapshot = new DatabaseSnapshot(rows.find(({ user }) => user === null)!.ids);
    const found = new Map<string, Topic[]>(userIds.map((userId) => [userId, []]));
    for (const row of rows)
      if (row.user !== null)
        for (const id of row.ids.split(',')) found.get(row.user)!.push(TOPICS[row.tie](id));
    return userIds.map((userId) => ({ topics: found.get(userId)!, snapshot }));
  }
}
