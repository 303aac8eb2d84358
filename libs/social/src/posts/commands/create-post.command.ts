import { AppError, isBlank, isVisible, type CreatePostBody, type PostDto } from '#contracts';
import { Reach } from '#identity';
import { PrismaService, newId } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { requireBelowPostLimit } from '../../relationships/limits.js';
import { mentionedIn, enqueueMentionNotifications } from '../mentions.js';
import { Posts } from '../posts.js';

/**
 * Creates a post and notifies mentioned users (`POST posts`).
 * @throws AppError INVALID_DATA (names `content`, without a visible text and media), CONFLICT (with 10,000 posts),
 *   RATE_LIMIT (per day)
 */
export class CreatePost extends Command<PostDto> {
  constructor(
    readonly authorId: string,
    readonly body: CreatePostBody,
  ) {
    super();
  }
}

@CommandHandler(CreatePost)
export class CreatePostHandler implements ICommandHandler<CreatePost> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly posts: Posts,
    private readonly reach: Reach,
  ) {}

  async execute({ authorId, body }: CreatePost): Promise<PostDto> {
    const post = newPost(authorId, body);
    await this.reach.take('post', authorId);
    const mentioned = await mentionedIn(this.prisma, authorId, post.content, authorId);
    await this.reach.take('mention', authorId, mentioned.length);
    await this.prisma.$transaction(async (tx) => {
      await requireBelowPostLimit(tx, authorId);
      await tx.post.create({ data: post });
      await enqueueMentionNotifications(tx, authorId, mentioned, {
        postId: post.id,
        commentId: null,
        ownerId: authorId,
      });
    });
    return this.posts.require(authorId, post.id);
  }
}

/** @throws AppError INVALID_DATA (names `content`) */
export function newPost(authorId: string, { content, media_urls }: CreatePostBody) {
  // Apps send null for missing values.
  const mediaUrls = media_urls ?? [];
  if (!isVisible(content) && !(isBlank(content) && mediaUrls.length > 0))
    throw AppError.invalid('content', 'must be visible, or empty with media');
  return { id: newId(), authorId, content, mediaUrls };
}
