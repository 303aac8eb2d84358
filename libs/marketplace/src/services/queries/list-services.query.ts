import type { ServicePage, ServiceQuery } from '#contracts';
import {
  LargePages,
  Prisma,
  PrismaService,
  Searches,
  hasWord,
  hasWords,
  idsBefore,
  searchWords,
  type Sized,
} from '#platform';
import { visibleTo } from '#social';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { SERVICE, toService } from '../services.js';

// The expressions must equal those of the indexes.
const NAME = Prisma.raw(`searched(folded(s.name))`);
const KEY = Prisma.raw(`left(folded(s.name), 50)`);
/** About how many bytes a service has. */
const BYTES = Prisma.raw(
  `500 + octet_length(coalesce(s.description, '')) + octet_length(coalesce(u.avatar, '')) AS bytes`,
);

/**
 * Services of all masters or one, newest first, whose name contains every word of the query.
 * @throws AppError INVALID_DATA (names `cursor`), RATE_LIMIT, UNAVAILABLE
 */
export class ListServices extends Query<ServicePage> {
  constructor(
    readonly userId: string,
    readonly query: ServiceQuery,
  ) {
    super();
  }
}

@QueryHandler(ListServices)
export class ListServicesHandler implements IQueryHandler<ListServices> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly searches: Searches,
    private readonly large: LargePages,
  ) {}

  async execute({ userId, query: { query, master_id, limit, cursor } }: ListServices): Promise<ServicePage> {
    const found = await this.searches.run(userId, async (search) => {
      const words = await searchWords(search, query);
      return search<Sized>`
        SELECT s.id, ${BYTES} FROM services s JOIN users u ON u.id = s.master_id
        WHERE s.archived_at IS NULL AND s.id < ${idsBefore(cursor)}::uuid AND ${visibleTo(userId, 'u')}
          AND ${master_id ? Prisma.sql`s.master_id = ${master_id}::uuid` : Prisma.sql`true`}
          AND ${hasWords(KEY, words, (word) => hasWord(NAME, word))}
        ORDER BY s.id DESC LIMIT ${limit + 1}`;
    });
    return this.large.list(userId, found, limit, async (ids) => {
      const where = { id: { in: ids } };
      const rows = await this.prisma.service.findMany({ where, orderBy: { id: 'desc' }, ...SERVICE });
      return rows.map(toService);
    });
  }
}
