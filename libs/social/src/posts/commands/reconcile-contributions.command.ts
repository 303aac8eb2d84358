import { Prisma, PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';

const BATCH = 500;

/** Contributions that are counted on posts: the table, its user and post columns, and the counter. */
const KINDS = [
  { table: 'post_likes', id: 'post_id', author: 'user_id', post: 'post_id', counter: 'likes_count' },
  { table: 'comments', id: 'id', author: 'author_id', post: 'post_id', counter: 'comments_count' },
  { table: 'posts', id: 'id', author: 'author_id', post: 'repost_of_id', counter: 'reposts_count' },
] as const;

/**
 * Takes a banned user's likes, comments and reposts out of the counts of posts, or adds an unbanned user's again.
 * Repeating it changes nothing. Replies of others to such a comment still count, since they are still listed.
 */
export class ReconcileContributions extends Command<void> {
  constructor(readonly userId: string) {
    super();
  }
}

@CommandHandler(ReconcileContributions)
export class ReconcileContributionsHandler implements ICommandHandler<ReconcileContributions> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId }: ReconcileContributions): Promise<void> {
    for (const kind of KINDS)
      for (let done = BATCH; done === BATCH;)
        done = await this.prisma.$transaction((tx) => reconcileSome(tx, userId, kind));
  }
}

async function reconcileSome(
  tx: Prisma.TransactionClient,
  userId: string,
  kind: (typeof KINDS)[number],
): Promise<number> {
  const [table, id, author, post, counter] = [kind.table, kind.id, kind.author, kind.post, kind.counter].map(
    (name) => Prisma.raw(name),
  ) as [Prisma.Sql, Prisma.Sql, Prisma.Sql, Prisma.Sql, Prisma.Sql];
  // A concurrent ban or unban waits, so the status stays as read here.
  const [user] = await tx.$queryRaw<{ hidden: boolean }[]>`
    SELECT banned_at IS NOT NULL AS hidden FROM users WHERE id = ${userId}::uuid FOR KEY SHARE`;
  if (!user) return 0;
  const { hidden } = user;
  const rows = await tx.$queryRaw<{ id: string; post: string }[]>`
    SELECT ${id} AS id, ${post} AS post FROM ${table}
    WHERE ${author} = ${userId}::uuid AND hidden = ${!hidden} AND ${post} IS NOT NULL LIMIT ${BATCH}`;
  if (rows.length === 0) return 0;
  // Posts are locked first, in one order, as by all writes that count on posts; a repost's own row is among them.
  const locked = rows.flatMap((row) => (kind.table === 'posts' ? [row.id, row.post] : row.post));
  await tx.$queryRaw`SELECT FROM posts WHERE id = ANY(${locked}::uuid[]) ORDER BY id FOR NO KEY UPDATE`;
  await tx.$executeRaw`
    WITH changed AS (
      UPDATE ${table} SET hidden = ${hidden}
      WHERE ${author} = ${userId}::uuid AND ${id} = ANY(${rows.map((row) => row.id)}::uuid[]) AND hidden <> ${hidden}
      RETURNING ${post} AS post_id
    )
    UPDATE posts SET ${counter} = ${counter} + moved.by
    FROM (SELECT post_id, (${hidden ? -1 : 1} * count(*))::int AS by FROM changed GROUP BY post_id) AS moved
    WHERE posts.id = moved.post_id`;
  return rows.length;
}
