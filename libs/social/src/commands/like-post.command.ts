import type { LikeAnswer } from '#contracts';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Likes } from '../likes.js';

/**
 * Likes a post, or takes it back; again changes nothing (contract, `PUT|DELETE posts/:id/like`).
 * @throws AppError NOT_FOUND, UNAVAILABLE
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
  constructor(private readonly likes: Likes) {}

  execute(like: LikePost): Promise<LikeAnswer> {
    return this.likes.set(like);
  }
}
