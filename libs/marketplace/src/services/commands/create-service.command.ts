import { AppError, type CreateServiceBody, type ServiceDto } from '#contracts';
import { Reach } from '#identity';
import { REACH, PrismaService, newId } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { SERVICE, toService } from '../services.js';

/**
 * Creates a service and makes its user a master (`POST services`).
 * @throws AppError CONFLICT (too many services), RATE_LIMIT (per day)
 */
export class CreateService extends Command<ServiceDto> {
  constructor(
    readonly masterId: string,
    readonly body: CreateServiceBody,
  ) {
    super();
  }
}

@CommandHandler(CreateService)
export class CreateServiceHandler implements ICommandHandler<CreateService> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly reach: Reach,
  ) {}

  async execute({ masterId, body: { name, description, price, duration } }: CreateService) {
    await this.reach.take('service', masterId);
    const service = await this.prisma.$transaction(async (tx) => {
      // Also when the user is a master already: the lock serializes it with `is_master: false` and with other new
      // services.
      await tx.user.update({ where: { id: masterId }, data: { isMaster: true }, select: { id: true } });
      if ((await tx.service.count({ where: { masterId, archivedAt: null } })) >= REACH.services.most)
        throw new AppError('CONFLICT', `Limit of ${REACH.services.most} services reached`);
      return tx.service.create({
        data: { id: newId(), masterId, name, description: description ?? null, price, duration },
        ...SERVICE,
      });
    });
    return toService(service);
  }
}
