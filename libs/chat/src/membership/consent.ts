import { AppError, type FieldError } from '#contracts';
import { REACH, Prisma } from '#platform';
import { notAccepted } from './membership.js';

const { most: MAX_GROUPS } = REACH.groups;
const { ofOne: MAX_OF_STRANGER, ofAll: MAX_OF_STRANGERS } = REACH.strangersGroups.most;
/** Members who write in groups of strangers make them their own: this limits both together. */
const MAX_TOGETHER = MAX_GROUPS + MAX_OF_STRANGERS;

/** SQL condition on a user `u`: their setting forbids the action to the user in the column `by`. */
export const refuses = (setting: 'messages_from' | 'groups_from', by: string) => `
  (u.${setting} = 'nobody' OR u.${setting} = 'friends' AND NOT EXISTS (
    SELECT FROM friends WHERE user_id = u.id AND friend_id = ${by}))`;

export const acceptsNoMessage = () => notAccepted('This user does not accept messages from you');

/** @throws AppError FORBIDDEN (when the other user does not accept a direct chat from this user) */
export async function requireMessageAccepted(
  tx: Prisma.TransactionClient,
  byId: string,
  toId: string,
): Promise<void> {
  const refusing = await tx.$queryRaw<object[]>`
    SELECT FROM users u CROSS JOIN (SELECT ${byId}::uuid AS id) me
    WHERE u.id = ${toId}::uuid AND ${Prisma.raw(refuses('messages_from', 'me.id'))}`;
  if (refusing.length > 0) throw acceptsNoMessage();
}

/**
 * Requires that this user may add all of them to the group: by their settings, and as a friend of those who left it.
 * Call it under the group's lock, for which a leaving member waits.
 * @param field the field of the request that names them
 * @throws AppError FORBIDDEN (names those who do not accept it)
 */
export async function requireGroupAccepted(
  tx: Prisma.TransactionClient,
  byId: string,
  chatId: string,
  addedIds: string[],
  field: string,
): Promise<void> {
  const refusing = await tx.$queryRaw<{ id: string }[]>`
    SELECT u.id FROM users u CROSS JOIN (SELECT ${byId}::uuid AS id) me
    WHERE u.id = ANY(${addedIds}::uuid[]) AND (${Prisma.raw(refuses('groups_from', 'me.id'))}
      OR NOT EXISTS (SELECT FROM friends WHERE user_id = u.id AND friend_id = me.id) AND EXISTS (
        SELECT FROM chat_members WHERE chat_id = ${chatId}::uuid AND user_id = u.id AND left_by_self))`;
  const details = refusing.map(({ id }): FieldError => ({ field, message: id }));
  if (details.length > 0)
    throw notAccepted('At least one user does not accept being added to this group', details);
}

/**
 * Requires that all of them may join one more group. Groups to which strangers added a user are counted apart, so that
 * strangers cannot use up the user's own. The users' rows are locked in one order: of two concurrent groups, the second
 * counts the first.
 * @param byId the user who adds them, who may be one of them
 * @returns those to whom this user is a stranger: store `added_by` in their memberships
 * @throws AppError CONFLICT (names those who are in too many)
 */
export async function requireBelowGroupLimit(
  tx: Prisma.TransactionClient,
  byId: string,
  userIds: string[],
  field: string,
): Promise<string[]> {
  await tx.$queryRaw`SELECT FROM users WHERE id = ANY(${userIds}::uuid[]) ORDER BY id FOR NO KEY UPDATE`;
  const users = await tx.$queryRaw<{ id: string; is_strange: boolean; is_full: boolean }[]>`
    SELECT u.id, u.is_strange, CASE
      WHEN u.is_strange THEN g.of_by >= ${MAX_OF_STRANGER} OR g.strange >= ${MAX_OF_STRANGERS} OR g.total >= ${MAX_TOGETHER}
      ELSE g.total - g.strange >= ${MAX_GROUPS} END AS is_full
    FROM (
      SELECT w.id, w.id <> ${byId}::uuid AND NOT EXISTS (
        SELECT FROM friends WHERE user_id = w.id AND friend_id = ${byId}::uuid) AS is_strange
      FROM unnest(${userIds}::uuid[]) AS w(id)
    ) u CROSS JOIN LATERAL (
      SELECT count(*) AS total, count(added_by) AS strange, count(*) FILTER (WHERE added_by = ${byId}::uuid) AS of_by
      FROM (
        SELECT p.added_by FROM chat_members p JOIN chats c ON c.id = p.chat_id
        WHERE p.user_id = u.id AND p.left_at IS NULL AND c.type = 'group' LIMIT ${MAX_TOGETHER}) m
    ) g`;
  const full = users.filter(({ is_full }) => is_full);
  if (full.length > 0)
    throw new AppError('CONFLICT', 'At least one user has reached the limit of groups', {
      details: full.map(({ id }) => ({ field, message: id })),
    });
  return users.filter(({ is_strange }) => is_strange).map(({ id }) => id);
}
