import type { PostDto } from '#contracts';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { Posts } from '../posts.js';

/** @throws AppError NOT_FOUND, also for a post that the reader may not see */
export class FindPost extends Query<PostDto> {
  constructor(
    /** Null looks past all blocks. */
    readonly readerId: string | null,
    readonly postId: string,
  ) {
    super();
  }
}

@QueryHandler(FindPost)
export class FindPostHandler implements IQueryHandler<FindPost> {
  constructor(private readonly posts: Posts) {}

  execute({ readerId, postId }: FindPost): Promise<PostDto> {
    return this.posts.require(readerId, postId);
  }
}
