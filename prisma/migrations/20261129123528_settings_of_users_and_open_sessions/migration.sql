-- CreateEnum
CREATE TYPE "audience" AS ENUM ('everyone', 'friends', 'nobody');

-- DropIndex
DROP INDEX "sessions_user_id_idx";

-- AlterTable
ALTER TABLE "users" ADD COLUMN     "groups_from" "audience" NOT NULL DEFAULT 'everyone',
ADD COLUMN     "messages_from" "audience" NOT NULL DEFAULT 'everyone';

-- CreateIndex
CREATE INDEX "sessions_user_id_id_idx" ON "sessions"("user_id", "id");

-- CreateIndex
CREATE INDEX "sessions_open_idx" ON "sessions"("user_id", "refreshed_at") WHERE (revoked_at IS NULL);
