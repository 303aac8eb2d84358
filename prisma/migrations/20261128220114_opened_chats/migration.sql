-- AlterTable
ALTER TABLE "chat_members" ADD COLUMN     "opened" BOOLEAN NOT NULL DEFAULT true;
