import type { AuditEntryDto, AuditPage, PageQuery } from '#contracts';
import { PrismaService, idsBefore, idCursor, pageOf } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { PERSON_COLUMNS, toPerson } from '../accounts/profile.js';

/** The actions of admins, latest first (`GET admin/audit`). @throws AppError INVALID_DATA (names `cursor`) */
export class ListAudit extends Query<AuditPage> {
  constructor(readonly page: PageQuery) {
    super();
  }
}

@QueryHandler(ListAudit)
export class ListAuditHandler implements IQueryHandler<ListAudit> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ page: { limit, cursor } }: ListAudit): Promise<AuditPage> {
    const rows = await this.prisma.auditEntry.findMany({
      where: { id: { lt: idsBefore(cursor) } },
      include: { admin: { select: PERSON_COLUMNS } },
      orderBy: { id: 'desc' },
      take: limit + 1,
    });
    const { items, next_cursor } = pageOf(rows, limit, idCursor);
    return {
      items: items.map(({ id, admin, action, targetId, details, createdAt }) => ({
        id,
        admin: toPerson(admin),
        action: action as AuditEntryDto['action'],
        target_id: targetId,
        details: details as Record<string, unknown>,
        created_at: createdAt.toISOString(),
      })),
      next_cursor,
    };
  }
}
