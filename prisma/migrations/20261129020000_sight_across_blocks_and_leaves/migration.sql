-- AlterTable
ALTER TABLE "blocks" ADD COLUMN     "blocked_handle" TEXT NOT NULL DEFAULT '…',
ADD COLUMN     "blocked_name" TEXT NOT NULL DEFAULT '…',
ADD COLUMN     "blocker_handle" TEXT NOT NULL DEFAULT '…',
ADD COLUMN     "blocker_name" TEXT NOT NULL DEFAULT '…';

-- AlterTable
ALTER TABLE "chat_members" ADD COLUMN     "left_change_seq" INTEGER;

-- AlterTable
ALTER TABLE "messages" ADD COLUMN     "content_change_seq" INTEGER NOT NULL DEFAULT 0;

-- The names that the two of an earlier block have seen until now.
UPDATE "blocks" b SET "blocker_name" = r."name", "blocker_handle" = r."handle", "blocked_name" = d."name", "blocked_handle" = d."handle"
FROM "users" r, "users" d WHERE r."id" = b."blocker_id" AND d."id" = b."blocked_id";

-- Nobody knows what was changed after an earlier leaving: all changes count as later.
UPDATE "chat_members" SET "left_change_seq" = 0 WHERE "left_at" IS NOT NULL;

-- The last change of a message may be a later one, of its pin or reactions: then the number is too high, and shows less.
UPDATE "messages" SET "content_change_seq" = "change_seq"
WHERE "edited_at" IS NOT NULL OR "deleted_at" IS NOT NULL OR "metadata" ? 'booking_id';

-- Whose post is shared: what a block hides of it is known by this. A client may have said something else.
UPDATE "messages" m SET "metadata" = (m."metadata" - 'author_id') || COALESCE((
  SELECT jsonb_build_object('author_id', COALESCE(original."author_id", p."author_id"))
  FROM "posts" p LEFT JOIN "posts" original ON original."id" = p."repost_of_id" WHERE p."id"::text = lower(m."content")), '{}')
WHERE m."type" = 'post_share' AND m."deleted_at" IS NULL;
