-- AlterTable
ALTER TABLE "outbox_jobs" ADD COLUMN     "due_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
ADD COLUMN     "priority" INTEGER NOT NULL DEFAULT 0;

-- CreateIndex
CREATE INDEX "outbox_jobs_due_at_idx" ON "outbox_jobs"("due_at");
