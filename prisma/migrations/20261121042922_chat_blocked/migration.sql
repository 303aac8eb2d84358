-- AlterTable
ALTER TABLE "chats" ADD COLUMN     "blocked" BOOLEAN NOT NULL DEFAULT false;
