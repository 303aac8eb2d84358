-- DropIndex
DROP INDEX "chat_members_user_id_idx";

-- DropIndex
DROP INDEX "friend_requests_from_id_idx";

-- DropIndex
DROP INDEX "sessions_open_idx";

-- CreateIndex
CREATE INDEX "bookings_master_id_status_starts_at_id_idx" ON "bookings"("master_id", "status", "starts_at", "id");

-- CreateIndex
CREATE INDEX "bookings_client_id_status_starts_at_id_idx" ON "bookings"("client_id", "status", "starts_at", "id");

-- CreateIndex
CREATE INDEX "chat_members_chats_idx" ON "chat_members"("user_id") WHERE ((left_at IS NULL) OR left_by_ban);

-- CreateIndex
CREATE INDEX "chat_members_present_idx" ON "chat_members"("chat_id", "user_id") WHERE (left_at IS NULL);

-- CreateIndex
CREATE INDEX "chat_members_left_idx" ON "chat_members"("user_id", "changed_xid") WHERE (left_at IS NOT NULL);

-- CreateIndex
CREATE INDEX "friend_requests_asked_idx" ON "friend_requests"("from_id", "id") WHERE (status = 'pending');

-- CreateIndex
CREATE INDEX "friend_requests_from_id_to_id_idx" ON "friend_requests"("from_id", "to_id");

-- CreateIndex
CREATE INDEX "sessions_open_idx" ON "sessions"("user_id", "id") WHERE (revoked_at IS NULL);
