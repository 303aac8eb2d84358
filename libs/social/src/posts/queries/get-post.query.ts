import type { PostDto } from '#contracts';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { Posts } from '../posts.js';

/** @throws AppError NOT_FOUND, also for a post that the reader may not see */
export class GetPost extends Query<PostDto> {
  constructor(
    /** Null looks past all blocks. */
    readonly readerId: string | null,
    readonly postId: string,
  ) {
    super();
  }
}

@QueryHandler(GetPost)
export class GetPostHandler implements IQueryHandler<GetPost> {
  constructor(private readonly posts: Posts) {}

  execute({ readerId, postId }: GetPost): Promise<PostDto> {
    return this.posts.require(readerId, postId);
  }
}
