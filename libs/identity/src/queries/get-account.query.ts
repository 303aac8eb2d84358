import { PrismaService } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { ACCOUNT_COLUMNS, toAccount, type Account } from '../accounts/account.js';
import { noSuchUser } from '../accounts/present.js';

/** A user as shown to admins, including banned users. @throws AppError NOT_FOUND */
export class GetAccount extends Query<Account> {
  constructor(readonly userId: string) {
    super();
  }
}

@QueryHandler(GetAccount)
export class GetAccountHandler implements IQueryHandler<GetAccount> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId: id }: GetAccount): Promise<Account> {
    const user = await this.prisma.user.findUnique({ where: { id }, select: ACCOUNT_COLUMNS });
    if (!user) throw noSuchUser();
    return toAccount(user);
  }
}
