import { AppError, type UpdateMeBody } from '#contracts';
import { isUniqueViolation, PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { toMe, type Me } from '../profile.js';

/**
 * Changes what is given of the user's own profile; `avatar: null` removes it (contract, `PATCH users/me`).
 * Errors: CONFLICT when the handle is taken, or for `is_master: false` with services on offer.
 */
export class UpdateMe extends Command<Me> {
  constructor(
    readonly userId: string,
    readonly changes: UpdateMeBody,
  ) {
    super();
  }
}

@CommandHandler(UpdateMe)
export class UpdateMeHandler implements ICommandHandler<UpdateMe> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId, changes }: UpdateMe): Promise<Me> {
    const { name, handle, avatar, is_master: isMaster, locale } = changes;
    try {
      const user = await this.prisma.$transaction(async (tx) => {
        const user = await tx.user.update({
          where: { id: userId },
          data: { name, handle, isMaster, locale, avatar },
        });
        // Under the row's lock: who offers a service takes it, too.
        if (
          isMaster === false &&
          (await tx.service.findFirst({ where: { masterId: userId, archivedAt: null } }))
        )
          throw new AppError('CONFLICT', 'You have services on offer');
        return user;
      });
      return toMe(user);
    } catch (error) {
      if (isUniqueViolation(error)) throw new AppError('CONFLICT', 'This handle is taken');
      throw error;
    }
  }
}
