-- CreateIndex
CREATE INDEX "bookings_requested_start_idx" ON "bookings"("starts_at") WHERE (status = 'requested');
