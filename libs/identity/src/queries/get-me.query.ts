import { PrismaService } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { toMe, type Me } from '../accounts/profile.js';
import { noSuchUser } from '../accounts/present.js';

/** The signed-in user's own profile. @throws AppError NOT_FOUND */
export class GetMe extends Query<Me> {
  constructor(readonly userId: string) {
    super();
  }
}

@QueryHandler(GetMe)
export class GetMeHandler implements IQueryHandler<GetMe> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId }: GetMe): Promise<Me> {
    const user = await this.prisma.user.findUnique({ where: { id: userId } });
    if (!user) throw noSuchUser();
    return toMe(user);
  }
}
