-- AlterTable
ALTER TABLE "chat_members" ADD COLUMN     "frozen_delivered_seq" INTEGER,
ADD COLUMN     "frozen_read_seq" INTEGER;

-- In chats that a block has closed already, what was known until now stays.
UPDATE "chat_members" m SET "frozen_read_seq" = m."last_read_seq", "frozen_delivered_seq" = m."last_delivered_seq"
FROM "chats" c WHERE c."id" = m."chat_id" AND c."blocked";
