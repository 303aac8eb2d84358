import { PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { requireOwn } from '../services.js';

/** Takes one's own service off the market; its bookings stay. @throws AppError NOT_FOUND, FORBIDDEN */
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
    await requireOwn(this.prisma, masterId, id);
    await this.prisma.service.update({ where: { id }, data: { archivedAt: new Date() } });
  }
}
