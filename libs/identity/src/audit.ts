import type { AUDIT_ACTIONS } from '#contracts';
import { newId, type Prisma } from '#platform';

/** An admin's step, in the transaction of what it changes: neither is stored without the other. */
export async function audit(
  tx: Pick<Prisma.TransactionClient, 'auditEntry'>,
  adminId: string,
  action: (typeof AUDIT_ACTIONS)[number],
  targetId: string,
  details: Prisma.InputJsonObject = {},
): Promise<void> {
  await tx.auditEntry.create({ data: { id: newId(), adminId, action, targetId, details } });
}
