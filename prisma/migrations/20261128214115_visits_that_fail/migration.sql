-- AlterTable
ALTER TABLE "availabilities" ADD COLUMN     "min_notice" INTEGER NOT NULL DEFAULT 60;

-- AlterTable
ALTER TABLE "bookings" ADD COLUMN     "disputed" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "ended_early" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "no_show" BOOLEAN NOT NULL DEFAULT false;

-- CreateIndex
CREATE INDEX "bookings_client_id_created_at_idx" ON "bookings"("client_id", "created_at");

-- A visit that was completed before its end keeps its time.
ALTER TABLE "bookings" DROP CONSTRAINT "bookings_no_overlap";
ALTER TABLE "bookings"
  ADD CONSTRAINT "bookings_no_overlap" EXCLUDE USING gist ("master_id" WITH =, tstzrange("starts_at", "ends_at") WITH &&)
    WHERE ("status" IN ('requested', 'confirmed') OR "ended_early");
