import { AppError, type CreateServiceBody, type ServiceDto } from '#contracts';
import { Reach } from '#identity';
import { REACH, PrismaService, newId } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { SERVICE, toService } from '../services.js';

/**
 * Offers a service (contract, `POST services`); who offers one is a master from then on.
 * @throws AppError CONFLICT (too many), RATE_LIMIT (of a day)
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
      // Of a master, too: `PATCH users/me { is_master: false }` waits for it, and so does another service.
      await tx.user.update({ where: { id: masterId }, data: { isMaster: true }, select: { id: true } });
      if ((await tx.service.count({ where: { masterId, archivedAt: null } })) >= REACH.services.most)
        throw new AppError('CONFLICT', `You may offer ${REACH.services.most} services at most`);
      return tx.service.create({
        data: { id: newId(), masterId, name, description: description ?? null, price, duration },
        ...SERVICE,
      });
    });
    return toService(service);
  }
}
