import { MAX_MENTIONS } from '#contracts';
import { tell } from '#notifications';
import { Prisma } from '#platform';
import { inSightOf } from './people.js';

/** A handle that no letter, digit or further @ touches: the part of an address in `anna@example.com` is none. */
const MENTION = /(?<![\p{L}\p{N}_@])@([a-z0-9_]{3,30})(?![\p{L}\p{N}_@])/giu;

export const handlesIn = (text: string): string[] =>
  [...new Set([...text.matchAll(MENTION)].map(([, handle]) => handle!.toLowerCase()))].slice(0, MAX_MENTIONS);

/**
 * Promises those whom a text names that they are told: who sees both the writer and `ownerId`, whose post it is
 * under. `exceptId` hears of the text anyway.
 */
export async function tellMentioned(
  tx: Prisma.TransactionClient,
  writerId: string,
  text: string,
  where: { postId: string; commentId: string | null; ownerId: string; exceptId?: string },
): Promise<void> {
  const handles = handlesIn(text);
  if (handles.length === 0) return;
  const users = await tx.$queryRaw<{ id: string }[]>`
    SELECT u.id FROM users u
    WHERE u.handle = ANY(${handles}) AND ${inSightOf(writerId, 'u')} AND ${inSightOf(where.ownerId, 'u')}`;
  const mentioned = users.map(({ id }) => id).filter((id) => id !== where.exceptId);
  await tell(tx, mentioned, {
    type: 'mention',
    key: `mention:${where.commentId ?? where.postId}`,
    actorId: writerId,
    data: { post_id: where.postId, comment_id: where.commentId, user_id: writerId },
  });
}
