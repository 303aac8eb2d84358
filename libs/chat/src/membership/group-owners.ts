import type { Prisma } from '#platform';

/**
 * Gives a group without an owner to an admin, or else to the longest member. Call it under the groups' locks. A banned
 * owner loses the group, unless no other member is left.
 */
export async function settleOwners(tx: Prisma.TransactionClient, chatIds: string[]): Promise<void> {
  await tx.$executeRaw`
    WITH heir AS MATERIALIZED (
      SELECT h.chat_id, h.user_id FROM unnest(${chatIds}::uuid[]) AS g(id) CROSS JOIN LATERAL (
        SELECT chat_id, user_id, role FROM chat_members WHERE chat_id = g.id AND left_at IS NULL
        ORDER BY role, joined_at, user_id LIMIT 1
      ) h WHERE h.role <> 'owner'
    )
    UPDATE chat_members p SET changed_xid = pg_current_xact_id(),
      role = (CASE WHEN p.user_id = heir.user_id THEN 'owner' ELSE 'admin' END)::member_role
    FROM heir WHERE p.chat_id = heir.chat_id AND (p.user_id = heir.user_id OR p.role = 'owner')`;
}
