/** Job payloads by name: a processor missing for one of them does not compile. */
export interface Jobs {
  /** Deletes sessions that expired or were revoked more than 30 days ago. */
  'purge-sessions': Record<string, never>;
}

export type JobName = keyof Jobs;
