import { PrismaService } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { toMe, type Me } from '../accounts/profile.js';
import { noSuchUser } from '../accounts/present.js';

/** The signed-in user's own profile. @throws AppError NOT_FOUND */
export class FindMe extends Query<Me> {
  constructor(readonly userId: string) {
    super();
  }
}

@QueryHandler(FindMe)
export class FindMeHandler implements IQueryHandler<FindMe> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId }: FindMe): Promise<Me> {
    const user = await this.prisma.user.findUnique({ where: { id: userId } });
    if (!user) throw noSuchUser();
    return toMe(user);
  }
}
