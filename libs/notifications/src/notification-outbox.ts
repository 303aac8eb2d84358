import type { NotificationCause } from '#contracts';
import { addJobs, type Prisma } from '#platform';

export const RECIPIENTS = 1000;

/**
 * Promises, in the transaction of what happened, that people are told of it. Who of them really is (preferences,
 * blocks, grouping), and in which words, is decided when the job runs.
 */
export async function enqueueNotification(
  tx: Prisma.TransactionClient,
  recipientIds: string[],
  cause: NotificationCause,
): Promise<void> {
  await enqueueNotifications(tx, [{ recipientIds, cause }]);
}

/** The same of many things that happened at once. */
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

/** As many recipients each as one statement tells in a fraction of a second. */
export function inParts(userIds: string[]): string[][] {
  const parts: string[][] = [];
  for (let from = 0; from < userIds.length; from += RECIPIENTS)
    parts.push(userIds.slice(from, from + RECIPIENTS));
  return parts;
}
