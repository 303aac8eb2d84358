import type { NotificationCause } from '#contracts';
import { addJob, type Prisma } from '#platform';

/**
 * Promises, in the transaction of what happened, that people are told of it. Who of them really is (preferences,
 * blocks, grouping), and in which words, is decided when the job runs.
 */
export async function tell(
  tx: Prisma.TransactionClient,
  recipientIds: string[],
  cause: NotificationCause,
): Promise<void> {
  const others = recipientIds.filter((id) => id !== cause.actorId);
  if (others.length > 0) await addJob(tx, 'notify', { cause, recipientIds: others });
}
