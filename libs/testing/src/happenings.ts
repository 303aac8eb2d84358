import type { NotificationCause } from '#contracts';
import type { Platform } from './app/platform.js';

/** Stores the rows that causes of these types refer to, if missing: without them nobody is notified. */
export async function happen(
  app: Pick<Platform, 'rows'>,
  { type, actorId, data }: NotificationCause,
  recipientId?: string,
): Promise<void> {
  const insert = (into: string, values: unknown[]) =>
    app.rows(
      `INSERT INTO ${into} VALUES (${values.map((_, i) => `$${i + 1}`).join()}) ON CONFLICT DO NOTHING`,
      values,
    );
  if (type === 'friend_request')
    await insert('friend_requests (id, from_id, to_id)', [data.request_id, actorId, recipientId]);
  if ('post_id' in data) await insert(`posts (id, author_id, content)`, [data.post_id, actorId, '']);
  if (type === 'post_liked') await insert('post_likes (post_id, user_id)', [data.post_id, actorId]);
  if ('comment_id' in data && data.comment_id !== null)
    await insert('comments (id, post_id, author_id, content)', [data.comment_id, data.post_id, actorId, '']);
  if (type === 'post_reposted')
    await insert('posts (id, author_id, content, is_repost, repost_of_id)', [
      data.repost_id,
      actorId,
      '',
      true,
      data.post_id,
    ]);
}
