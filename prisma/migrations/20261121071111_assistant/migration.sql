-- CreateEnum
CREATE TYPE "assistant_role" AS ENUM ('user', 'assistant');

-- CreateEnum
CREATE TYPE "assistant_status" AS ENUM ('streaming', 'complete', 'stopped', 'failed', 'interrupted', 'apology', 'replaced');

-- CreateTable
CREATE TABLE "assistant_chats" (
    "id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "title" TEXT NOT NULL,
    "last_seq" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "assistant_chats_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "assistant_messages" (
    "id" UUID NOT NULL,
    "chat_id" UUID NOT NULL,
    "seq" INTEGER NOT NULL,
    "role" "assistant_role" NOT NULL,
    "status" "assistant_status" NOT NULL,
    "content" TEXT NOT NULL,
    "produced_by" UUID,
    "reply_to" UUID,
    "token_ends" INTEGER[] DEFAULT ARRAY[]::INTEGER[],
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "assistant_messages_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "assistant_tokens" (
    "message_id" UUID NOT NULL,
    "index" INTEGER NOT NULL,
    "text" TEXT NOT NULL,

    CONSTRAINT "assistant_tokens_pkey" PRIMARY KEY ("message_id","index")
);

-- CreateIndex
CREATE INDEX "assistant_chats_user_id_updated_at_id_idx" ON "assistant_chats"("user_id", "updated_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "assistant_messages_chat_id_seq_key" ON "assistant_messages"("chat_id", "seq");

-- CreateIndex
CREATE UNIQUE INDEX "assistant_messages_one_streaming" ON "assistant_messages"("chat_id") WHERE (status = 'streaming');

-- AddForeignKey
ALTER TABLE "assistant_chats" ADD CONSTRAINT "assistant_chats_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "assistant_messages" ADD CONSTRAINT "assistant_messages_chat_id_fkey" FOREIGN KEY ("chat_id") REFERENCES "assistant_chats"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "assistant_tokens" ADD CONSTRAINT "assistant_tokens_message_id_fkey" FOREIGN KEY ("message_id") REFERENCES "assistant_messages"("id") ON DELETE CASCADE ON UPDATE CASCADE;
