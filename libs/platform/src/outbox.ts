import type { JobName, Jobs } from '#contracts';
import { newId } from './ids.js';
import type { Prisma } from './prisma/generated/client.js';

/**
 * Promises a job in the transaction that makes it necessary: it runs if, and only if, that commits, also when
 * the queue is away or the process dies right after. The relay moves it to the queue; it may run twice.
 */
export async function addJob<N extends JobName>(
  tx: Prisma.TransactionClient,
  name: N,
  data: Jobs[N],
): Promise<void> {
  await addJobs(tx, name, [data]);
}

/** The same of many at once. */
export async function addJobs<N extends JobName>(
  tx: Prisma.TransactionClient,
  name: N,
  jobs: Jobs[N][],
): Promise<void> {
  await tx.outboxJob.createMany({
    data: jobs.map((data) => ({ id: newId(), name, data: data as unknown as Prisma.InputJsonObject })),
  });
}
