-- CreateEnum
CREATE TYPE "booking_side" AS ENUM ('master', 'client');

-- AlterTable
ALTER TABLE "bookings" ADD COLUMN     "cancelled_by" "booking_side";

-- A block or a ban no longer hides the end of a visit; requests and reminders of a visit that is off are hidden.
UPDATE "notification_causes" c SET "gone" = NOT c."gone" FROM "notifications" n
WHERE n."id" = c."notification_id" AND (
  n."type" = 'booking_cancelled' AND c."gone"
  OR n."type" IN ('booking_request', 'booking_confirmed') AND NOT c."gone" AND EXISTS (
    SELECT FROM "bookings" b
    WHERE b."id" = (n."data"->>'booking_id')::uuid AND b."status" IN ('cancelled', 'expired')));
UPDATE "notifications" n SET "hidden" = c."gone", "changed_xid" = pg_current_xact_id() FROM "notification_causes" c
WHERE c."notification_id" = n."id" AND n."type" IN ('booking_request', 'booking_confirmed', 'booking_cancelled')
  AND n."hidden" <> c."gone";
