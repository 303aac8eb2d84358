-- DropIndex
DROP INDEX "comments_author_id_idx";

-- DropIndex
DROP INDEX "notification_causes_actor_id_user_id_idx";

-- DropIndex
DROP INDEX "notification_causes_owner_id_user_id_idx";

-- DropIndex
DROP INDEX "post_likes_user_id_idx";

-- CreateIndex
CREATE INDEX "comments_author_id_hidden_idx" ON "comments"("author_id", "hidden");

-- CreateIndex
CREATE INDEX "notification_causes_actor_id_user_id_key_idx" ON "notification_causes"("actor_id", "user_id", "key");

-- CreateIndex
CREATE INDEX "notification_causes_owner_id_user_id_key_idx" ON "notification_causes"("owner_id", "user_id", "key") WHERE (owner_id IS NOT NULL);

-- CreateIndex
CREATE INDEX "post_likes_user_id_hidden_idx" ON "post_likes"("user_id", "hidden");

-- CreateIndex
CREATE INDEX "posts_reposts_of_author_idx" ON "posts"("author_id", "hidden") WHERE (repost_of_id IS NOT NULL);
