import type { NotificationCause } from '#contracts';
import { addJobs, inParts, type Prisma } from '#platform';

/** One statement notifies so many users in a fraction of a second. */
export const RECIPIENTS = 1000;

/**
 * Stores the job that notifies users, in the transaction of the event. The job decides on the recipients (preferences,
 * blocks, grouping) and texts when it runs.
 */
export async function enqueueNotification(
  tx: Prisma.TransactionClient,
  recipientIds: string[],
  cause: NotificationCause,
): Promise<void> {
  await enqueueNotifications(tx, [{ recipientIds, cause }]);
}

/** The same for many events at once. */
export async function enqueueNotifications(
  tx: Prisma.TransactionClient,
  notifications: { recipientIds: string[]; cause: NotificationCause }[],
): Promise<void> {
  const jobs = notifications.flatMap(({ recipientIds, cause }) => {
    const recipients = [...new Set(recipientIds)].filter((id) => id !== cause.actorId);
    return inParts(recipients, RECIPIENTS).map((part) => ({ cause, recipientIds: part }));
  });
  if (jobs.length > 0) await addJobs(tx, 'notify', jobs);
}
