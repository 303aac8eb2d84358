import {
  NOTIFICATION_TYPES,
  type NotificationKind,
  type NotificationPreferencesDto,
  type NotificationTypes,
} from '#contracts';

export interface PreferencesRow {
  disabled: NotificationKind[];
  /** Minutes of the day; both null or neither. */
  quiet_from: number | null;
  quiet_to: number | null;
  timezone: string;
}

/** The default preferences: all types, at any hour. */
export const DEFAULTS: PreferencesRow = { disabled: [], quiet_from: null, quiet_to: null, timezone: '' };

export const toMinutes = (clock: string) => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));

const two = (number: number) => String(number).padStart(2, '0');
const toClock = (minutes: number) => `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;

export function toPreferences(row: PreferencesRow): NotificationPreferencesDto {
  const { disabled, quiet_from: from, quiet_to: to, timezone } = row;
  const types = Object.fromEntries(NOTIFICATION_TYPES.map((type) => [type, !disabled.includes(type)]));
  return {
    // `Object.fromEntries` forgets the names of its keys.
    types: types as unknown as NotificationTypes,
    quiet_hours: from === null || to === null ? null : { from: toClock(from), to: toClock(to), timezone },
  };
}
