-- CreateIndex
CREATE INDEX "notifications_changed_idx" ON "notifications"("user_id", "changed_xid");
