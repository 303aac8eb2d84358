-- CreateIndex
CREATE INDEX "chat_members_unopened_idx" ON "chat_members"("chat_id") WHERE (NOT opened);
