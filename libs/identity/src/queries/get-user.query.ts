import { PrismaService } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { PROFILE_COLUMNS, toProfile, type Profile } from '../accounts/profile.js';
import { noSuchUser } from '../accounts/present.js';

/**
 * A user's public profile. With `viewer` null, blocks are ignored.
 * @throws AppError NOT_FOUND (also for a banned user and across a block)
 */
export class GetUser extends Query<Profile> {
  constructor(
    readonly userId: string,
    readonly viewerId: string | null,
  ) {
    super();
  }
}

@QueryHandler(GetUser)
export class GetUserHandler implements IQueryHandler<GetUser> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId, viewerId }: GetUser): Promise<Profile> {
    const user = await this.prisma.user.findFirst({
      where: {
        id: userId,
        bannedAt: null,
        ...(viewerId !== null && {
          blocks: { none: { blockedId: viewerId } },
          blockedBy: { none: { blockerId: viewerId } },
        }),
      },
      select: PROFILE_COLUMNS,
    });
    if (!user) throw noSuchUser();
    return toProfile(user);
  }
}
