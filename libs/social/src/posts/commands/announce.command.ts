import type { CreatePostBody, PostDto } from '#contracts';
import { audit } from '#identity';
import { PrismaService, addJob } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Posts } from '../posts.js';
import { newPost } from './create-post.command.js';

/**
 * Creates an admin's post that notifies everybody (`POST admin/announcements`).
 * @throws AppError INVALID_DATA (names `content`, without text and media)
 */
export class Announce extends Command<PostDto> {
  constructor(
    readonly adminId: string,
    readonly body: CreatePostBody,
  ) {
    super();
  }
}

@CommandHandler(Announce)
export class AnnounceHandler implements ICommandHandler<Announce> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly posts: Posts,
  ) {}

  async execute({ adminId, body }: Announce): Promise<PostDto> {
    const post = newPost(adminId, body);
    await this.prisma.$transaction(async (tx) => {
      await tx.post.create({ data: post });
      const data = { post_id: post.id, comment_id: null, user_id: adminId, announcement: true } as const;
      const cause = { type: 'mention', key: `mention:${post.id}`, actorId: adminId, data } as const;
      await audit(tx, adminId, 'announcement_made', post.id);
      await addJob(tx, 'notify-everyone', { cause });
    });
    return this.posts.require(adminId, post.id);
  }
}
