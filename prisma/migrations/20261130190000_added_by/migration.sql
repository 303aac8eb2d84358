-- Memberships of before count as the member's own.
ALTER TABLE "chat_members" ADD COLUMN "added_by" UUID;
