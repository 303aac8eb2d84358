import { type LikeAnswer } from '#contracts';
import { NotificationPublisher, causes, revise, enqueueNotifications, type Revised } from '#notifications';
import { WORK, Batcher, Metrics, Prisma, PrismaService, RateLimits } from '#platform';
import { EventPublisher, blockedTopic, followersTopic, userTopic } from '#realtime';
import type { OnModuleDestroy } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { noSuchPost } from '../posts.js';
import { writeLikes, type LikeRow } from './like-post.sql.js';

/**
 * Likes or unlikes a post; repeating it changes nothing (`PUT|DELETE posts/:id/like`).
 * @throws AppError NOT_FOUND, RATE_LIMIT, UNAVAILABLE
 */
export class LikePost extends Command<LikeAnswer> {
  constructor(
    readonly userId: string,
    readonly postId: string,
    readonly on: boolean,
  ) {
    super();
  }
}

const keyOf = ({ post_id, user_id }: LikeRow) => `post_liked:${post_id}:${user_id}`;

/** Likes of a post that wait for a lock. */
interface LockedPost {
  batcher: Batcher<LikePost, LikeAnswer>;
  waiting: number;
}

/**
 * Stores likes and counts them. Many likes of one post at once would each wait for its row with a connection. So all
 * likes that arrive while a batch is written share the next batch. A batch does not wait for a row. Likes of a post that
 * is locked form batches of their own, which do. So do likes that are taken back, since these lock notifications.
 */
@CommandHandler(LikePost)
export class LikePostHandler implements ICommandHandler<LikePost>, OnModuleDestroy {
  private readonly most = {
    maxBatch: 500,
    maxQueued: WORK.lookUps.most.likes,
    onRefused: () => this.metrics.refuse(WORK.lookUps),
  };
  private readonly batcher = new Batcher<LikePost, LikeAnswer>((likes) => this.write(likes), this.most);
  private readonly locked = new Map<string, LockedPost>();

  constructor(
    private readonly prisma: PrismaService,
    private readonly publisher: EventPublisher,
    private readonly notifications: NotificationPublisher,
    private readonly limits: RateLimits,
    private readonly metrics: Metrics,
  ) {}

  async execute(like: LikePost): Promise<LikeAnswer> {
    await this.limits.take('like', like.userId);
    return this.batcher.add(like);
  }

  async onModuleDestroy(): Promise<void> {
    await this.batcher.drain();
    await Promise.all([...this.locked.values()].map(({ batcher }) => batcher.drain()));
  }

  private async write(likes: LikePost[]): Promise<(LikeAnswer | Error | Promise<LikeAnswer>)[]> {
    const undone = new Set(likes.flatMap(({ postId, on }) => (on ? [] : postId)));
    const free = likes.filter(({ postId }) => !undone.has(postId) && !this.locked.has(postId));
    const answers = await this.writeFree(free, 'SKIP LOCKED');
    return likes.map((like) => answers.get(like) ?? this.writeLocked(like));
  }

  /** Writes a like after the earlier likes of its post. */
  private async writeLocked(like: LikePost): Promise<LikeAnswer> {
    const { postId } = like;
    const post = this.locked.get(postId) ?? { batcher: this.waitingBatcher(), waiting: 0 };
    this.locked.set(postId, post);
    post.waiting += 1;
    try {
      return await post.batcher.add(like);
    } finally {
      post.waiting -= 1;
      if (post.waiting === 0) this.locked.delete(postId);
    }
  }

  private waitingBatcher(): Batcher<LikePost, LikeAnswer> {
    return new Batcher<LikePost, LikeAnswer>(async (likes) => {
      const answers = await this.writeFree(likes, 'WAIT');
      return likes.map((like) => answers.get(like)!);
    }, this.most);
  }

  /**
   * Writes likes together. Several of one user for one post are written one after the other.
   * @returns the answers; none for the likes of a post that was locked
   */
  private async writeFree(likes: LikePost[], lock: Lock): Promise<Map<LikePost, LikeAnswer | Error>> {
    const answers = new Map<LikePost, LikeAnswer | Error>();
    const locked = new Set<string>();
    const isOpen = (like: LikePost) => !answers.has(like) && !locked.has(like.postId);
    for (let rest = likes; rest.length > 0; rest = rest.filter(isOpen)) {
      const batch = new Map<string, LikePost>();
      for (const like of rest) {
        const key = like.postId + like.userId;
        if (!batch.has(key)) batch.set(key, like);
      }
      const stored = await this.store([...batch.values()], lock);
      for (const postId of stored.locked) locked.add(postId);
      const found = new Map(stored.rows.map((row) => [row.post_id + row.user_id, row]));
      for (const [key, like] of batch) {
        if (locked.has(like.postId)) continue;
        const row = found.get(key);
        answers.set(like, row ? { liked: like.on, likes_count: row.likes_count } : noSuchPost());
      }
      for (const row of stored.rows) if (row.added || row.removed) this.show(row);
      await this.notifications.publish(stored.revised);
    }
    return answers;
  }

  /** Returns one row per like of a post that its user may see. */
  private store(
    likes: LikePost[],
    lock: Lock,
  ): Promise<{ rows: LikeRow[]; revised: Revised[]; locked: string[] }> {
    return this.prisma.$transaction(async (tx) => {
      const locked = await lockPosts(tx, [...new Set(likes.map(({ postId }) => postId))], lock);
      const free = likes.filter(({ postId }) => !locked.includes(postId));
      const rows = await tx.$queryRaw<LikeRow[]>(writeLikes(free));
      const added = rows.filter((row) => row.added);
      await enqueueNotifications(
        tx,
        added.map((row) => ({
          recipientIds: [row.author_id],
          cause: {
            type: 'post_liked',
            key: keyOf(row),
            actorId: row.user_id,
            data: { post_id: row.post_id, user_id: row.user_id },
          },
        })),
      );
      const removed = rows.filter((row) => row.removed);
      const revised = removed.length > 0 ? await revise(tx, causes.named(removed.map(keyOf))) : [];
      return { rows, revised, locked };
    });
  }

  /** Publishes to all followers of either user, except those with a block between them and one of the two. */
  private show({ post_id, user_id, user_name, author_id, likes_count, removed }: LikeRow): void {
    this.publisher.publish(
      [userTopic(author_id), followersTopic(author_id), followersTopic(user_id)],
      'post:liked',
      { post_id, user_id, user_name, likes_count, ...(removed && { liked: false }) },
      { except: [blockedTopic(author_id), blockedTopic(user_id)] },
    );
  }
}

type Lock = 'SKIP LOCKED' | 'WAIT';

/**
 * Locks posts in one order, so that batches of several processes never wait for each other in a circle. In a statement
 * of its own, so that the next one sees all that earlier holders of the locks have stored.
 * @returns posts that somebody else has locked
 */
async function lockPosts(tx: Prisma.TransactionClient, ids: string[], lock: Lock): Promise<string[]> {
  const rows = await tx.$queryRaw<{ id: string }[]>`
    SELECT id FROM posts WHERE id = ANY(${ids}::uuid[]) ORDER BY id
    FOR NO KEY UPDATE ${lock === 'WAIT' ? Prisma.empty : Prisma.raw(lock)}`;
  const got = new Set(rows.map(({ id }) => id));
  const others = ids.filter((id) => !got.has(id));
  if (lock === 'WAIT' || others.length === 0) return [];
  const found = await tx.post.findMany({ where: { id: { in: others } }, select: { id: true } });
  return found.map(({ id }) => id);
}
