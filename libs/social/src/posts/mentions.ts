import { MAX_MENTIONS } from '#contracts';
import { enqueueNotification } from '#notifications';
import { Prisma } from '#platform';
import { LinkifyIt } from 'linkify-it';
import { visibleTo } from '../visibility.js';

/** Links with a scheme or a known top-level domain, IP addresses and e-mail addresses. */
const links = new LinkifyIt({
  fuzzyLink: true,
  fuzzyEmail: true,
  fuzzyIP: true,
  urlAuth: true,
  maxLength: 500,
});
/** A host without a known top-level domain and its path (`localhost:3000/…`), a path alone, and query parameters. */
const PATHS =
  /(?<![\p{L}\p{N}_@.-])(?:[a-z0-9_.-]*|[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)+)(?::\d*)?\/\S*|[?&][\w-]+=\S*/giu;
/** The label of a Markdown link, the start of its address, and its title. */
const LABELS =
  /\[[^[\]]*\]\([^\s)]*(?:\s{1,3}(?:"[^"\n]{0,300}"|'[^'\n]{0,300}'|\([^()\n]{0,300}\))(?=\s{0,3}\)))?/g;

/** Replaces each link by a letter: text that touches a link is no mention either. */
function withoutLinks(text: string): string {
  let rest = '';
  let end = 0;
  for (const link of links.match(text) ?? []) {
    rest += `${text.slice(end, link.index)}x`;
    end = link.lastIndex;
  }
  return (rest + text.slice(end)).replace(LABELS, 'x').replace(PATHS, 'x');
}

/** Any other word before a colon is ordinary text (`cc:@anna`). */
const SCHEMES =
  'https?|wss?|s?ftps?|git|ssh|file|data|blob|javascript|urn|magnet|mailto|acct|sips?|xmpp|tel|callto|sms|mms|tg|telegram|skype|viber|whatsapp|facetime|geo|market|intent';

/**
 * A handle that stands alone. Before it: no letter or digit (`anna@…`), no characters of links, and no scheme
 * (`mailto:`). After it: no letter, no domain (`@mail.ru`, `@anna-studio.ru`) and no path (`@scope/package`). The
 * expression starts with the sign, so that it looks back only at signs.
 */
const MENTION = new RegExp(
  `@(?<!(?:[\\p{L}\\p{N}_@=#~%\\\\]|\\p{L}[\\p{M}\\u200C\\u200D]+|(?<![\\p{L}\\p{N}.-])(?:${SCHEMES}):)@)([a-z0-9_]{3,30})` +
    '(?![\\p{L}\\p{N}_@]|(?:-[\\p{L}\\p{N}.-]{0,100})?\\.(?:[a-z0-9]|рф(?!\\p{L}))|\\/(?:[\\w.~-]|\\s|$))',
  'giu',
);

export function handlesIn(text: string): string[] {
  if (!text.includes('@')) return [];
  const handles = [...withoutLinks(text).matchAll(MENTION)].map(([, handle]) => handle!.toLowerCase());
  return [...new Set(handles)].slice(0, MAX_MENTIONS);
}

interface Place {
  postId: string;
  commentId: string | null;
  /** The author of the post with the text. */
  ownerId: string;
}

/** The mentioned users who may see both the author of the text and the author of the post. */
export async function mentionedIn(
  db: Pick<Prisma.TransactionClient, '$queryRaw'>,
  writerId: string,
  text: string,
  ownerId: string,
): Promise<string[]> {
  const handles = handlesIn(text);
  if (handles.length === 0) return [];
  const users = await db.$queryRaw<{ id: string }[]>`
    SELECT u.id FROM users u
    WHERE u.handle = ANY(${handles}) AND ${visibleTo(writerId, 'u')} AND ${visibleTo(ownerId, 'u')}`;
  return users.map(({ id }) => id);
}

export const mentionOf = (writerId: string, { postId, commentId }: Place) => ({
  type: 'mention' as const,
  data: { post_id: postId, comment_id: commentId, user_id: writerId },
});

/** Stores the jobs that notify mentioned users. */
export async function enqueueMentionNotifications(
  tx: Prisma.TransactionClient,
  writerId: string,
  userIds: string[],
  where: Place,
): Promise<void> {
  await enqueueNotification(tx, userIds, {
    ...mentionOf(writerId, where),
    key: `mention:${where.commentId ?? where.postId}`,
    actorId: writerId,
    ...(where.ownerId !== writerId && { ownerId: where.ownerId }),
  });
}
