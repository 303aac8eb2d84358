import type { LikeAnswer } from '#contracts';
import { RateLimits } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Likes } from '../likes.js';

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

@CommandHandler(LikePost)
export class LikePostHandler implements ICommandHandler<LikePost> {
  constructor(
    private readonly likes: Likes,
    private readonly limits: RateLimits,
  ) {}

  async execute(like: LikePost): Promise<LikeAnswer> {
    await this.limits.take('like', like.userId);
    return this.likes.set(like);
  }
}
