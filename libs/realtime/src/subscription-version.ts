import type { Prisma } from '#platform';
import type { SubscriptionChange } from './hub/subscription-changes.js';

export type SubscriptionVersion = Pick<SubscriptionChange, 'version' | 'xid'>;

/**
 * The version of a change of subscriptions in this transaction. Call it under the lock that serializes such changes of
 * the topic and users, so that versions have the order of the commits.
 */
export async function subscriptionVersion(tx: Prisma.TransactionClient): Promise<SubscriptionVersion> {
  const [row] = await tx.$queryRaw<{ version: bigint; xid: string }[]>`
    SELECT nextval('subscription_version') AS version, pg_current_xact_id()::text AS xid`;
  return { version: row!.version, xid: BigInt(row!.xid) };
}
