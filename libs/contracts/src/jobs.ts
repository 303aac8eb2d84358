import type { NotificationCause } from './notifications.js';

/** Job payloads by name: a processor missing for one of them does not compile. */
export interface Jobs {
  /** Deletes sessions that expired or were revoked more than 30 days ago. */
  'purge-sessions': Record<string, never>;
  /** Tells up to 1,000 users of something that happened. */
  notify: { cause: NotificationCause; recipientIds: string[] };
  /** Tells all users of something that happened, in as many `notify` jobs as that takes. */
  'notify-everyone': { cause: NotificationCause };
  /** Shows what quiet hours held back and whose time has come. */
  'release-notifications': Record<string, never>;
  /** Hides what tells of a deleted post. */
  'hide-notifications': { postId: string };
  /** Deletes notifications that were read more than 90 days ago. */
  'purge-notifications': Record<string, never>;
  /** Ends booking requests that nobody answered within 24 hours, and completes visits 24 hours after their end. */
  'expire-bookings': Record<string, never>;
  /** Shows both sides how bookings stand that something else than a step of theirs has changed. */
  'show-bookings': { bookingIds: string[] };
  /** Reminds both sides 24 and 2 hours before a confirmed booking. */
  'remind-bookings': Record<string, never>;
  /** Finds regular clients who are due again, and proposes a slot to each. */
  'propose-bookings': Record<string, never>;
  /** Brings what is stored of a user in line with whether they are banned. */
  'reconcile-ban': { userId: string };
  /** Brings what two users are told because of each other in line with whether a block is between them. */
  'reconcile-block': { userId: string; otherId: string };
}

export type JobName = keyof Jobs;

const NAMES: Record<JobName, true> = {
  'purge-sessions': true,
  notify: true,
  'notify-everyone': true,
  'release-notifications': true,
  'hide-notifications': true,
  'purge-notifications': true,
  'expire-bookings': true,
  'show-bookings': true,
  'remind-bookings': true,
  'propose-bookings': true,
  'reconcile-ban': true,
  'reconcile-block': true,
};
/** All of `Jobs`, for what only exists when the program runs. */
export const JOB_NAMES = Object.keys(NAMES) as JobName[];
