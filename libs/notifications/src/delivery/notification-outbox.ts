import type { NotificationCause } from '#contracts';
import { addJobs, type Prisma } from '#platform';

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
    return inParts(recipients).map((part) => ({ cause, recipientIds: part }));
  });
  if (jobs.length > 0) await addJobs(tx, 'notify', jobs);
}

/** Splits the recipients so that one statement notifies a part in a fraction of a second. */
export function inParts(userIds: string[]): string[][] {
  const parts: string[][] = [];
  for (let from = 0; from < userIds.length; from += RECIPIENTS)
    parts.push(userIds.slice(from, from + RECIPIENTS));
  return parts;
}
