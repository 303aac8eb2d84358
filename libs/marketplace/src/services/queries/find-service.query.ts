import type { ServiceDto } from '#contracts';
import { PrismaService } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { findService, toService } from '../services.js';

/** One service. @throws AppError NOT_FOUND */
export class FindService extends Query<ServiceDto> {
  constructor(
    /** Null ignores blocks. */
    readonly userId: string | null,
    readonly id: string,
  ) {
    super();
  }
}

@QueryHandler(FindService)
export class FindServiceHandler implements IQueryHandler<FindService> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId, id }: FindService): Promise<ServiceDto> {
    return toService(await findService(this.prisma, userId, id));
  }
}
