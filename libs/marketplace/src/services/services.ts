import { AppError, type ServiceDto } from '#contracts';
import { requireVisible } from '#social';
import type { Prisma } from '#platform';
import { MASTER, toMaster } from './masters.js';

export const SERVICE = { include: { master: MASTER } } as const satisfies Prisma.ServiceDefaultArgs;
type ServiceRow = Prisma.ServiceGetPayload<typeof SERVICE>;

export const toService = (row: ServiceRow): ServiceDto => ({
  id: row.id,
  name: row.name,
  description: row.description,
  price: row.price,
  duration: row.duration,
  master: toMaster(row.master),
  created_at: row.createdAt.toISOString(),
});

export const noSuchService = () => new AppError('NOT_FOUND', 'No such service');

/** @throws AppError NOT_FOUND (also when it is deleted, or its master is hidden from the user) */
export async function findService(
  prisma: Prisma.TransactionClient,
  userId: string | null,
  id: string,
): Promise<ServiceRow> {
  const row = await prisma.service.findUnique({ where: { id }, ...SERVICE });
  if (!row || row.archivedAt) throw noSuchService();
  if (row.masterId !== userId)
    await requireVisible(prisma, userId, row.masterId).catch((error: unknown) => {
      throw error instanceof AppError ? noSuchService() : error;
    });
  return row;
}

/**
 * Locks a master's own service: until the end of the transaction, no other transaction changes, deletes or books it.
 * @throws AppError NOT_FOUND, FORBIDDEN (for another master's service)
 */
export async function lockOwn(tx: Prisma.TransactionClient, userId: string, id: string): Promise<void> {
  await tx.$queryRaw`
    SELECT FROM services WHERE id = ${id}::uuid AND master_id = ${userId}::uuid FOR NO KEY UPDATE`;
  const { masterId } = await findService(tx, userId, id);
  if (masterId !== userId) throw new AppError('FORBIDDEN', 'This service belongs to another master');
}
