-- AlterTable
ALTER TABLE "chat_members" ADD COLUMN     "archived_at" TIMESTAMPTZ(3),
ADD COLUMN     "changed_xid" xid8 NOT NULL DEFAULT pg_current_xact_id(),
ADD COLUMN     "muted_until" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "messages" ADD COLUMN     "forwarded_from" JSONB,
ADD COLUMN     "pinned_at" TIMESTAMPTZ(3);

-- CreateIndex
CREATE INDEX "messages_chat_id_pinned_at_idx" ON "messages"("chat_id", "pinned_at") WHERE (pinned_at IS NOT NULL);
