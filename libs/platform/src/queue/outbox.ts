import type { JobName, Jobs } from './jobs.js';
import { sharedNow } from '../redis/clock.js';
import { newId } from '../database/ids.js';
import type { Prisma } from '../prisma/generated/client.js';

/** Head start of a request before the job that it promised does the same work, ms. */
export const HEAD_START_MS = 60_000;

/**
 * Promises a job in the transaction that makes it necessary: it runs if, and only if, that commits, also when
 * the queue is away, forgets everything, or a process dies. It may run twice. It starts `delayMs` later.
 * @returns the job's id
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

/** The same of many at once. `priority`: 0 comes first; the parts of something large let others pass. */
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
    data: data as unknown as Prisma.InputJsonObject,
    priority,
    dueAt,
  }));
  await tx.outboxJob.createMany({ data: rows });
  return rows.map(({ id }) => id);
}
