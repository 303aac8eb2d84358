import type { NotificationCause } from './notifications.js';

/** Job payloads by name: a processor missing for one of them does not compile. */
export interface Jobs {
  /** Deletes sessions that expired or were revoked more than 30 days ago. */
  'purge-sessions': Record<string, never>;
  /** Tells up to 1,000 users of something that happened. */
  notify: { cause: NotificationCause; recipientIds: string[] };
}

export type JobName = keyof Jobs;
