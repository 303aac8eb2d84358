import type { ServiceDto, UpdateServiceBody } from '#contracts';
import { PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { SERVICE, lockOwn, toService } from '../services.js';

/**
 * Changes the given fields of one's own service. Bookings keep their original name and price.
 * @throws AppError NOT_FOUND, FORBIDDEN
 */
export class UpdateService extends Command<ServiceDto> {
  constructor(
    readonly masterId: string,
    readonly id: string,
    readonly body: UpdateServiceBody,
  ) {
    super();
  }
}

@CommandHandler(UpdateService)
export class UpdateServiceHandler implements ICommandHandler<UpdateService> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ masterId, id, body }: UpdateService): Promise<ServiceDto> {
    const { description, name, price, duration } = body;
    const data = { name, description, price, duration };
    const service = await this.prisma.$transaction(async (tx) => {
      await lockOwn(tx, masterId, id);
      return tx.service.update({ where: { id }, data, ...SERVICE });
    });
    return toService(service);
  }
}
