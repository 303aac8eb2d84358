-- AlterTable
ALTER TABLE "reviews" ADD COLUMN     "hidden" BOOLEAN NOT NULL DEFAULT false;

-- CreateIndex
CREATE INDEX "reviews_client_id_idx" ON "reviews"("client_id");

-- Reviews of clients who are banned already leave their masters' ratings, as a ban makes them from here on.
UPDATE "reviews" r SET "hidden" = true FROM "users" u WHERE u."id" = r."client_id" AND u."banned_at" IS NOT NULL;
UPDATE "master_ratings" m SET "reviews_count" = m."reviews_count" - h."count", "rating_sum" = m."rating_sum" - h."sum"
  FROM (SELECT "master_id", count(*)::int AS "count", sum("rating")::int AS "sum" FROM "reviews" WHERE "hidden" GROUP BY 1) h
  WHERE h."master_id" = m."master_id";
