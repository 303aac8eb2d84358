import type { ServiceDto } from '#contracts';
import { PrismaService } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { findService, toService } from '../services.js';

/** One service. @throws AppError NOT_FOUND */
export class GetService extends Query<ServiceDto> {
  constructor(
    /** Null ignores blocks. */
    readonly userId: string | null,
    readonly id: string,
  ) {
    super();
  }
}

@QueryHandler(GetService)
export class GetServiceHandler implements IQueryHandler<GetService> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId, id }: GetService): Promise<ServiceDto> {
    return toService(await findService(this.prisma, userId, id));
  }
}
