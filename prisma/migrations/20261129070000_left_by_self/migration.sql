-- AlterTable
ALTER TABLE "chat_members" ADD COLUMN     "left_by_self" BOOLEAN NOT NULL DEFAULT false;
