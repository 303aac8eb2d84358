import { IdentityModule } from '#identity';
import { Module } from '@nestjs/common';

/** Posts, likes, comments, reposts, follows, friends, mentions, feed. */
@Module({ imports: [IdentityModule], providers: [] })
export class SocialModule {}
