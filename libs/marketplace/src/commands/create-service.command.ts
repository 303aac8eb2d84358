import type { CreateServiceBody, ServiceDto } from '#contracts';
import { PrismaService, newId } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { SERVICE, toService } from '../services.js';

/** Offers a service (contract, `POST services`); who offers one is a master from then on. */
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
  constructor(private readonly prisma: PrismaService) {}

  async execute({ masterId, body: { name, description, price, duration } }: CreateService) {
    const [, service] = await this.prisma.$transaction([
      // Of a master, too: `PATCH users/me { is_master: false }` waits for it.
      this.prisma.user.update({ where: { id: masterId }, data: { isMaster: true }, select: { id: true } }),
      this.prisma.service.create({
        data: { id: newId(), masterId, name, description: description ?? null, price, duration },
        ...SERVICE,
      }),
    ]);
    return toService(service);
  }
}
