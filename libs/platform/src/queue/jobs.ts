import type { NotificationCause } from '#contracts';

/** Job payloads by name: a job without a processor does not compile. */
export interface Jobs {
  /** Deletes sessions that expired or were revoked more than 30 days ago. */
  'purge-sessions': Record<string, never>;
  /** Notifies up to 1,000 users. */
  notify: { cause: NotificationCause; recipientIds: string[] };
  /** Notifies all users, by as many `notify` jobs as needed. */
  'notify-everyone': { cause: NotificationCause };
  /** Shows the notifications whose quiet hours have ended. */
  'release-notifications': Record<string, never>;
  /** Hides the notifications about a deleted post. */
  'hide-notifications': { postId: string };
  /** Makes notifications consistent with the causes of these keys. */
  'revise-notifications': { keys: string[] };
  /** Deletes notifications that were read more than 90 days ago. */
  'purge-notifications': Record<string, never>;
  /** Expires booking requests without an answer after 24 hours, and completes visits 24 hours after their end. */
  'expire-bookings': Record<string, never>;
  /** Publishes the current state of bookings to both parties when neither of them changed it. */
  'show-bookings': { bookingIds: string[] };
  /** Reminds both parties 24 and 2 hours before a confirmed booking. */
  'remind-bookings': Record<string, never>;
  /** Finds regular clients who are due for a visit, and proposes a slot to each. */
  'propose-bookings': Record<string, never>;
  /** Makes a user's stored data consistent with their current ban status. */
  'reconcile-ban': { userId: string };
  /** Makes the notifications between two users consistent with their current block status. */
  'reconcile-block': { userId: string; otherId: string };
}

export type JobName = keyof Jobs;

const NAMES: Record<JobName, true> = {
  'purge-sessions': true,
  notify: true,
  'notify-everyone': true,
  'release-notifications': true,
  'hide-notifications': true,
  'revise-notifications': true,
  'purge-notifications': true,
  'expire-bookings': true,
  'show-bookings': true,
  'remind-bookings': true,
  'propose-bookings': true,
  'reconcile-ban': true,
  'reconcile-block': true,
};
/** The names of `Jobs` as a value. */
export const JOB_NAMES = Object.keys(NAMES) as JobName[];
