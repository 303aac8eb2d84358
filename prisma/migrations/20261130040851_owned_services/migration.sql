-- DropIndex
DROP INDEX "services_master_id_id_idx";

-- CreateIndex
CREATE INDEX "services_offered_idx" ON "services"("master_id", "id") WHERE (archived_at IS NULL);

-- CreateIndex
CREATE INDEX "services_newest_idx" ON "services"("id") WHERE (archived_at IS NULL);

-- A deleted service is kept only for its bookings.
DELETE FROM "services" s WHERE "archived_at" IS NOT NULL AND NOT EXISTS (SELECT FROM "bookings" b WHERE b."service_id" = s."id");
