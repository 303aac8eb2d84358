import type { NotificationCause } from '#contracts';
import { addJobs, type Prisma } from '#platform';

/**
 * Promises, in the transaction of what happened, that people are told of it. Who of them really is (preferences,
 * blocks, grouping), and in which words, is decided when the job runs.
 */
export async function tell(
  tx: Prisma.TransactionClient,
  recipientIds: string[],
  cause: NotificationCause,
): Promise<void> {
  await tellAll(tx, [{ recipientIds, cause }]);
}

/** The same of many things that happened at once. */
export async function tellAll(
  tx: Prisma.TransactionClient,
  told: { recipientIds: string[]; cause: NotificationCause }[],
): Promise<void> {
  const jobs = told
    .map(({ recipientIds, cause }) => ({
      cause,
      recipientIds: recipientIds.filter((id) => id !== cause.actorId),
    }))
    .filter(({ recipientIds }) => recipientIds.length > 0);
  if (jobs.length > 0) await addJobs(tx, 'notify', jobs);
}
