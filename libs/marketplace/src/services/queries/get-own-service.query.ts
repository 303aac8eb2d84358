import { PrismaService } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { isUUID } from 'class-validator';
import { noSuchService } from '../services.js';

/** A master's own service; the id comes from a client. @throws AppError NOT_FOUND */
export class GetOwnService extends Query<{ name: string; price: number; duration: number }> {
  constructor(
    readonly masterId: string,
    readonly id: string,
  ) {
    super();
  }
}

@QueryHandler(GetOwnService)
export class GetOwnServiceHandler implements IQueryHandler<GetOwnService> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ masterId, id }: GetOwnService) {
    const service = isUUID(id, 'all')
      ? await this.prisma.service.findFirst({
          where: { id, masterId, archivedAt: null },
          select: { name: true, price: true, duration: true },
        })
      : null;
    if (!service) throw noSuchService();
    return service;
  }
}
