import { PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { lockOwn } from '../services.js';

/**
 * Removes one's own service from all lists. Its row is kept, since its bookings stay. @throws AppError NOT_FOUND,
 * FORBIDDEN
 */
export class DeleteService extends Command<void> {
  constructor(
    readonly masterId: string,
    readonly id: string,
  ) {
    super();
  }
}

@CommandHandler(DeleteService)
export class DeleteServiceHandler implements ICommandHandler<DeleteService> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ masterId, id }: DeleteService): Promise<void> {
    await this.prisma.$transaction(async (tx) => {
      await lockOwn(tx, masterId, id);
      const { count } = await tx.service.deleteMany({ where: { id, bookings: { none: {} } } });
      if (count === 0) await tx.service.update({ where: { id }, data: { archivedAt: new Date() } });
    });
  }
}
