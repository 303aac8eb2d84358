import { AppError } from '#contracts';
import { PrismaService } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { PROFILE_COLUMNS, toProfile, type Profile } from '../profile.js';

/** A user as anybody may see them. Errors: NOT_FOUND, also for a banned user. */
export class FindUser extends Query<Profile> {
  constructor(readonly userId: string) {
    super();
  }
}

@QueryHandler(FindUser)
export class FindUserHandler implements IQueryHandler<FindUser> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId }: FindUser): Promise<Profile> {
    const user = await this.prisma.user.findFirst({
      where: { id: userId, bannedAt: null },
      select: PROFILE_COLUMNS,
    });
    if (!user) throw new AppError('NOT_FOUND', 'No such user');
    return toProfile(user);
  }
}
