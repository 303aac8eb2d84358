import type { AUDIT_ACTIONS } from '#contracts';
import { newId, type Prisma } from '#platform';

/** Records an admin's action in the transaction of the change: both are stored or neither. */
export async function audit(
  tx: Pick<Prisma.TransactionClient, 'auditEntry'>,
  adminId: string,
  action: (typeof AUDIT_ACTIONS)[number],
  targetId: string,
  details: Prisma.InputJsonObject = {},
): Promise<void> {
  await tx.auditEntry.create({ data: { id: newId(), adminId, action, targetId, details } });
}
