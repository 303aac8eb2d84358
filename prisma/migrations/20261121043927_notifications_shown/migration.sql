-- DropIndex
DROP INDEX "notifications_one_unread_per_group";

-- DropIndex
DROP INDEX "notifications_unread_idx";

-- AlterTable
ALTER TABLE "notifications" ADD COLUMN     "shown" BOOLEAN NOT NULL DEFAULT false;

-- CreateIndex
CREATE INDEX "notifications_unread_idx" ON "notifications"("user_id", "updated_at" DESC, "id" DESC) WHERE (read_at IS NULL);

-- CreateIndex
CREATE UNIQUE INDEX "notifications_one_unread_per_group" ON "notifications"("user_id", "group_key") WHERE ((read_at IS NULL) AND (group_key IS NOT NULL));
