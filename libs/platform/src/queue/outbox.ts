import type { JobName, Jobs } from './jobs.js';
import { sharedNow } from '../redis/clock.js';
import { newId } from '../database/ids.js';
import type { Prisma } from '../prisma/generated/client.js';

/** Head start of a request before the job that it promised does the same work, ms. */
export const HEAD_START_MS = 60_000;

/**
 * Stores a job in the transaction that causes it. It runs if and only if the transaction commits, even if the queue is
 * unavailable or loses its data, or a process dies. It may run twice. It starts after `delayMs`.
 * @returns the id of the job
 */
export async function addJob<N extends JobName>(
  tx: Prisma.TransactionClient,
  name: N,
  data: Jobs[N],
  delayMs = 0,
): Promise<string> {
  const [id] = await addJobs(tx, name, [data], 0, delayMs);
  return id!;
}

/** The same for many jobs. `priority`: 0 comes first; parts of a large job let other jobs pass. */
export async function addJobs<N extends JobName>(
  tx: Prisma.TransactionClient,
  name: N,
  jobs: Jobs[N][],
  priority = 0,
  delayMs = 0,
): Promise<string[]> {
  const dueAt = delayMs > 0 ? new Date(sharedNow() + delayMs) : undefined;
  const rows = jobs.map((data) => ({
    id: newId(),
    name,
    // An interface has no index signature, so it is no JSON object for Prisma's types.
    data: data as unknown as Prisma.InputJsonObject,
    priority,
    dueAt,
  }));
  await tx.outboxJob.createMany({ data: rows });
  return rows.map(({ id }) => id);
}
