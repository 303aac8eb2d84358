import type { PostDto } from '#contracts';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { Posts } from '../posts.js';

/** @throws AppError NOT_FOUND (also for a post hidden from the reader) */
export class GetPost extends Query<PostDto> {
  constructor(
    /** Null ignores blocks. */
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
