-- AlterTable
ALTER TABLE "chat_members" ADD COLUMN     "left_by_ban" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "chats" ADD COLUMN     "gone" BOOLEAN NOT NULL DEFAULT false;

-- CreateIndex
CREATE INDEX "message_reactions_user_id_message_id_idx" ON "message_reactions"("user_id", "message_id");

-- What is stored of those who are banned already is brought in line by the job of a new ban.
INSERT INTO "outbox_jobs" ("id", "name", "data")
SELECT gen_random_uuid(), 'reconcile-ban', jsonb_build_object('userId', "id") FROM "users" WHERE "banned_at" IS NOT NULL;
