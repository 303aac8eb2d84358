export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Python's `str()` and Dart's `toString()` write a space between date and time; RFC 3339 allows it. */
const RFC_3339 =
  /^(\d{4}-\d\d-\d\d)[T ]((?:[01]\d|2[0-3]):[0-5]\d)(?::([0-5]\d)(?:\.(\d{1,30}))?)?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/i;
/** From year 1, the first of PostgreSQL's calendar, to year 9999. */
const IN_RANGE = /^(?!0000)\d{4}-/;

/**
 * A time as answers write it: UTC, truncated to milliseconds.
 * @param text RFC 3339 with up to 30 fraction digits; the seconds may be missing
 * @returns undefined for an invalid time; 60 seconds and 24 hours are invalid
 */
export function toTimestamp(text: unknown): string | undefined {
  const [, day, minutes, seconds = '00', fraction = '', sign, hoursAhead, minutesAhead] =
    (typeof text === 'string' && RFC_3339.exec(text)) || [];
  if (!day) return undefined;
  const local = `${day}T${minutes}:${seconds}.${fraction.slice(0, 3).padEnd(3, '0')}Z`;
  const date = new Date(local);
  // JavaScript turns 30 February into 2 March.
  if (Number.isNaN(date.getTime()) || date.toISOString() !== local) return undefined;
  const ahead = sign ? Number(`${sign}1`) * (Number(hoursAhead) * 60 + Number(minutesAhead)) : 0;
  const moment = new Date(date.getTime() - ahead * MINUTE_MS).toISOString();
  return IN_RANGE.test(moment) ? moment : undefined;
}

/** `09:00` for `09:00`, `09:00:00` and `09:00:00.000`. Undefined unless it is a whole minute from 00:00 to 24:00. */
export function toClock(text: unknown): string | undefined {
  const match =
    typeof text === 'string' && /^((?:[01]\d|2[0-3]):[0-5]\d|24:00)(?::00(?:\.0{1,30})?)?$/.exec(text);
  return match ? match[1] : undefined;
}
