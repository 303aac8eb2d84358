-- DropIndex
DROP INDEX "notifications_held_until_idx";

-- DropIndex
DROP INDEX "notifications_unread_idx";

-- DropIndex
DROP INDEX "notifications_user_id_updated_at_id_idx";

-- AlterTable
ALTER TABLE "comments" ADD COLUMN     "hidden" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "notification_causes" DROP CONSTRAINT "notification_causes_pkey",
ADD COLUMN     "at" TIMESTAMPTZ(6) NOT NULL DEFAULT clock_timestamp(),
ADD COLUMN     "data" JSONB,
ADD COLUMN     "gone" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "owner_id" UUID,
ADD CONSTRAINT "notification_causes_pkey" PRIMARY KEY ("key", "user_id");

-- AlterTable
ALTER TABLE "notifications" ADD COLUMN     "hidden" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "post_likes" ADD COLUMN     "hidden" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "posts" ADD COLUMN     "hidden" BOOLEAN NOT NULL DEFAULT false;

-- CreateIndex
CREATE INDEX "notification_causes_actor_id_user_id_idx" ON "notification_causes"("actor_id", "user_id");

-- CreateIndex
CREATE INDEX "notification_causes_owner_id_user_id_idx" ON "notification_causes"("owner_id", "user_id") WHERE (owner_id IS NOT NULL);

-- CreateIndex
CREATE INDEX "notification_causes_newest_idx" ON "notification_causes"("notification_id", "at" DESC) WHERE (NOT gone);

-- CreateIndex
CREATE INDEX "notifications_listed_idx" ON "notifications"("user_id", "updated_at" DESC, "id" DESC) WHERE (NOT hidden);

-- CreateIndex
CREATE INDEX "notifications_unread_idx" ON "notifications"("user_id", "updated_at" DESC, "id" DESC) WHERE ((read_at IS NULL) AND (NOT hidden));

-- CreateIndex
CREATE INDEX "notifications_hidden_idx" ON "notifications"("user_id", "updated_at" DESC, "id" DESC) WHERE (hidden);

-- CreateIndex
CREATE INDEX "notifications_held_idx" ON "notifications"("held_until") WHERE ((held_until IS NOT NULL) AND (NOT hidden));

-- When a post is deleted, what tells of it is found by this. All causes of a group name the same post.
CREATE INDEX "notifications_post_idx" ON "notifications"((data->>'post_id')) WHERE (NOT hidden);

-- What banned users did does not count.
UPDATE post_likes l SET hidden = true FROM users u WHERE u.id = l.user_id AND u.banned_at IS NOT NULL;
UPDATE comments c SET hidden = true FROM users u WHERE u.id = c.author_id AND u.banned_at IS NOT NULL;
UPDATE posts p SET hidden = true FROM users u WHERE u.id = p.author_id AND u.banned_at IS NOT NULL AND p.is_repost;
UPDATE posts p SET likes_count = likes_count - gone.count
FROM (SELECT post_id, count(*) FROM post_likes WHERE hidden GROUP BY post_id) AS gone WHERE p.id = gone.post_id;
UPDATE posts p SET comments_count = comments_count - gone.count
FROM (SELECT post_id, count(*) FROM comments WHERE hidden GROUP BY post_id) AS gone WHERE p.id = gone.post_id;
UPDATE posts p SET reposts_count = p.reposts_count - gone.count
FROM (SELECT repost_of_id, count(*) FROM posts WHERE hidden AND repost_of_id IS NOT NULL GROUP BY repost_of_id) AS gone
WHERE p.id = gone.repost_of_id;

-- One refusal of each is remembered.
DELETE FROM friend_requests r WHERE r.status = 'declined' AND EXISTS (
  SELECT FROM friend_requests later WHERE later.from_id = r.from_id AND later.to_id = r.to_id
    AND later.status = 'declined' AND later.id > r.id);

-- Each cause tells what it is of, ...
UPDATE notification_causes c SET data = CASE n.type
  WHEN 'post_liked' THEN jsonb_build_object('post_id', split_part(c.key, ':', 2), 'user_id', c.actor_id)
  WHEN 'post_commented' THEN jsonb_build_object(
    'post_id', n.data->>'post_id', 'comment_id', split_part(c.key, ':', 2), 'user_id', c.actor_id)
  WHEN 'post_reposted' THEN jsonb_build_object('post_id', n.data->>'post_id', 'repost_id', COALESCE(
    (SELECT r.id::text FROM posts r WHERE r.repost_of_id = (n.data->>'post_id')::uuid AND r.author_id = c.actor_id),
    n.data->>'repost_id'), 'user_id', c.actor_id)
  ELSE n.data END
FROM notifications n WHERE n.id = c.notification_id;
UPDATE notification_causes c SET owner_id = p.author_id FROM notifications n, posts p
WHERE n.id = c.notification_id AND n.type = 'mention' AND p.id = (c.data->>'post_id')::uuid
  AND p.author_id NOT IN (c.user_id, c.actor_id);

-- ... those that do not hold any more are gone, ...
UPDATE notification_causes c SET gone = true FROM notifications n WHERE n.id = c.notification_id AND (
  EXISTS (SELECT FROM users WHERE id IN (c.actor_id, c.owner_id) AND banned_at IS NOT NULL)
  OR EXISTS (SELECT FROM blocks WHERE blocker_id = c.user_id AND blocked_id IN (c.actor_id, c.owner_id)
    OR blocked_id = c.user_id AND blocker_id IN (c.actor_id, c.owner_id))
  OR CASE n.type
    WHEN 'post_liked' THEN NOT EXISTS (
      SELECT FROM post_likes WHERE post_id = (c.data->>'post_id')::uuid AND user_id = c.actor_id)
    WHEN 'post_commented' THEN NOT EXISTS (SELECT FROM comments WHERE id = (c.data->>'comment_id')::uuid)
    WHEN 'post_reposted' THEN NOT EXISTS (
      SELECT FROM posts WHERE repost_of_id = (c.data->>'post_id')::uuid AND author_id = c.actor_id)
    WHEN 'mention' THEN NOT EXISTS (SELECT FROM posts WHERE id = (c.data->>'post_id')::uuid)
      OR c.data->>'comment_id' IS NOT NULL
        AND NOT EXISTS (SELECT FROM comments WHERE id = (c.data->>'comment_id')::uuid)
    WHEN 'review_received' THEN NOT EXISTS (SELECT FROM reviews WHERE id = (c.data->>'review_id')::uuid)
    WHEN 'friend_accepted' THEN NOT EXISTS (SELECT FROM friends WHERE user_id = c.user_id AND friend_id = c.actor_id)
    WHEN 'friend_request' THEN NOT EXISTS (SELECT FROM friends WHERE user_id = c.user_id AND friend_id = c.actor_id)
      AND NOT EXISTS (
        SELECT FROM friend_requests r WHERE r.from_id = c.actor_id AND r.to_id = c.user_id AND r.status = 'pending')
    WHEN 'booking_request' THEN NOT EXISTS (
      SELECT FROM bookings WHERE id = (c.data->>'booking_id')::uuid AND status NOT IN ('cancelled', 'expired'))
    WHEN 'booking_confirmed' THEN NOT EXISTS (
      SELECT FROM bookings WHERE id = (c.data->>'booking_id')::uuid AND status NOT IN ('cancelled', 'expired'))
    ELSE false END);

-- ... and the notifications show the others.
UPDATE notifications n SET hidden = true, changed_xid = pg_current_xact_id()
WHERE EXISTS (SELECT FROM notification_causes c WHERE c.notification_id = n.id)
  AND NOT EXISTS (SELECT FROM notification_causes c WHERE c.notification_id = n.id AND NOT c.gone);
UPDATE notifications n SET actor_id = newest.actor_id, data = newest.data, others_count = newest.actors - 1,
  changed_xid = pg_current_xact_id()
FROM (
  SELECT DISTINCT ON (c.notification_id) c.notification_id, c.actor_id, c.data,
    (SELECT count(DISTINCT o.actor_id)::int FROM notification_causes o
     WHERE o.notification_id = c.notification_id AND NOT o.gone) AS actors
  FROM notification_causes c JOIN notifications g ON g.id = c.notification_id
  WHERE NOT c.gone AND g.group_key IS NOT NULL AND EXISTS (
    SELECT FROM notification_causes o WHERE o.notification_id = c.notification_id AND o.gone)
  ORDER BY c.notification_id, c.at DESC
) AS newest WHERE n.id = newest.notification_id;
