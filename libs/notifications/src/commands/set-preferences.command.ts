import {
  AppError,
  NOTIFICATION_TYPES,
  type NotificationPreferencesBody,
  type NotificationPreferencesDto,
  type QuietHours,
} from '#contracts';
import { PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { DEFAULTS, toMinutes, toPreferences, type PreferencesRow } from '../delivery/preferences.js';

/**
 * Sets the notification types and quiet hours of a user. Absent fields stay unchanged.
 * @throws AppError INVALID_DATA (for an unknown time zone, or equal hours)
 */
export class SetPreferences extends Command<NotificationPreferencesDto> {
  constructor(
    readonly userId: string,
    readonly body: NotificationPreferencesBody,
  ) {
    super();
  }
}

@CommandHandler(SetPreferences)
export class SetPreferencesHandler implements ICommandHandler<SetPreferences> {
  /** Cached: the database reads a file per zone on each query. */
  private zones?: Promise<Set<string>>;

  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId, body: { types, quiet_hours: quiet } }: SetPreferences) {
    if (quiet) await this.assertHours(quiet);
    const wanted = NOTIFICATION_TYPES.filter((type) => types?.[type] === true);
    const unwanted = NOTIFICATION_TYPES.filter((type) => types?.[type] === false);
    const from = quiet ? toMinutes(quiet.from) : null;
    const to = quiet ? toMinutes(quiet.to) : null;
    const named = quiet !== undefined;
    const [row] = await this.prisma.$queryRaw<[PreferencesRow]>`
      INSERT INTO notification_preferences AS p (user_id, disabled, quiet_from, quiet_to, timezone)
      VALUES (${userId}::uuid, ${unwanted}::notification_type[], ${from}, ${to}, ${quiet?.timezone ?? DEFAULTS.timezone})
      ON CONFLICT (user_id) DO UPDATE SET
        disabled = ARRAY (
          SELECT type FROM unnest(p.disabled) AS type WHERE type <> ALL (${wanted}::notification_type[])
          UNION SELECT unnest(${unwanted}::notification_type[])),
        quiet_from = CASE WHEN ${named} THEN EXCLUDED.quiet_from ELSE p.quiet_from END,
        quiet_to = CASE WHEN ${named} THEN EXCLUDED.quiet_to ELSE p.quiet_to END,
        timezone = CASE WHEN ${named} THEN EXCLUDED.timezone ELSE p.timezone END
      RETURNING disabled::text[], quiet_from, quiet_to, timezone`;
    // Ending the quiet hours releases pending notifications.
    if (quiet === null)
      await this.prisma.$executeRaw`
        UPDATE notifications SET held_until = now() WHERE id IN (
          SELECT id FROM notifications WHERE user_id = ${userId}::uuid AND read_at IS NULL AND NOT hidden AND held_until > now()
          ORDER BY id FOR NO KEY UPDATE)`;
    return toPreferences(row);
  }

  /** PostgreSQL, which delays events by the hours, must know the time zone, too. */
  private async assertHours({ from, to, timezone }: QuietHours): Promise<void> {
    if (from === to) throw AppError.invalid('quiet_hours.to', 'must differ from quiet_hours.from');
    this.zones ??= this.findZones();
    const zones = await this.zones.catch((error: unknown) => {
      this.zones = undefined;
      throw error;
    });
    if (!zones.has(timezone.toLowerCase()))
      throw AppError.invalid('quiet_hours.timezone', 'is not a known time zone');
  }

  private async findZones(): Promise<Set<string>> {
    const rows = await this.prisma.$queryRaw<{ name: string }[]>`
      SELECT lower(name) AS name FROM pg_timezone_names`;
    return new Set(rows.map(({ name }) => name));
  }
}
