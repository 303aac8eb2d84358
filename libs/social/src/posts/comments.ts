import type { CommentDto } from '#contracts';
import { Prisma } from '#platform';

export type CommentRow = Omit<CommentDto, 'created_at'> & { created_at: Date };

/** Use it with FROM or JOIN of `comments c` and of `users author` on `author.id = c.author_id`. */
export const COMMENT_COLUMNS = Prisma.raw(`
  c.id, c.author_id, author.name AS author_name, author.avatar AS author_avatar, c.content, c.created_at, c.parent_id`);

/** SQL expression: the approximate size of such a comment in bytes. */
export const COMMENT_BYTES = Prisma.raw(`
  300 + octet_length(c.content) + octet_length(coalesce(author.avatar, '')) AS bytes`);

export const toComment = (row: CommentRow): CommentDto => ({
  ...row,
  created_at: row.created_at.toISOString(),
});
