import type { NotificationPreferencesDto } from '#contracts';
import { PrismaService } from '#platform';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { DEFAULTS, toPreferences, type PreferencesRow } from '../delivery/preferences.js';

export class GetPreferences extends Query<NotificationPreferencesDto> {
  constructor(readonly userId: string) {
    super();
  }
}

@QueryHandler(GetPreferences)
export class GetPreferencesHandler implements IQueryHandler<GetPreferences> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId }: GetPreferences): Promise<NotificationPreferencesDto> {
    const [row] = await this.prisma.$queryRaw<PreferencesRow[]>`
      SELECT disabled::text[], quiet_from, quiet_to, timezone
      FROM notification_preferences WHERE user_id = ${userId}::uuid`;
    return toPreferences(row ?? DEFAULTS);
  }
}
