import { AppError, timeZoneOf } from '#contracts';
import { DateTime } from 'luxon';

/** A day, optionally with a time and the name of a time zone. */
const LOCAL =
  /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,30})?)?))?(?: ([A-Z][\w+-]*(?:\/[\w+-]+)*))?$/i;
const MAX_LENGTH = 120;

/** A local time in a zone, such as "2026-11-22 09:00 Europe/Moscow". */
export const onClock = (moment: DateTime): string =>
  `${moment.setLocale('en').toFormat('yyyy-MM-dd HH:mm')} ${moment.zoneName}`;

/** A stored name in any case, as luxon gets it. */
const zoneOf = (name: string): string => timeZoneOf(name) ?? 'UTC';

export const nowIn = (zone: string): DateTime => DateTime.now().setZone(zoneOf(zone));

/** A time for the model: with its offset, in the zone of the place, and in the user's zone if it differs. */
export function localTime(iso: string, zone: string, userZone = zone) {
  const moment = DateTime.fromISO(iso, { zone: zoneOf(zone) });
  const users = moment.setZone(zoneOf(userZone));
  return {
    at: moment.toISO({ suppressMilliseconds: true }),
    weekday: moment.setLocale('en').weekdayLong,
    local: onClock(moment),
    ...(users.offset !== moment.offset && { for_user: onClock(users) }),
  };
}

/**
 * The range from one day or time to another, as a model writes them: in `timezone`, unless they have an offset or a zone
 * name. A day is a whole day. Without `to`, or with an empty one, the range ends with its first day.
 * @returns ISO 8601 times. Those with an offset are returned unchanged
 * @throws AppError INVALID_DATA
 */
export function stretchOf(from: unknown, to: unknown, timezone: string): { from: unknown; to: unknown } {
  const zone = zoneOf(timezone);
  const start = momentOf('from', from, zone, false);
  return {
    from: start,
    to: to === undefined || to === null || to === '' ? endOfDay(start, zone) : momentOf('to', to, zone, true),
  };
}

function momentOf(name: string, given: unknown, zone: string, isEnd: boolean): unknown {
  if (typeof given !== 'string') throw unclear(name);
  const text = given.trim();
  const local = text.length <= MAX_LENGTH ? LOCAL.exec(text) : null;
  if (!local) return text.toUpperCase().replace(/^(\d{4}-\d\d-\d\d) (?=\d)/, '$1T');
  const [, day, time, named] = local;
  const itsZone = named ? timeZoneOf(named) : zone;
  if (!itsZone) throw unclear(name);
  const moment = DateTime.fromISO(time ? `${day}T${time}` : day!, { zone: itsZone });
  if (!moment.isValid) throw unclear(name);
  if (!time) return utc(isEnd ? nextDay(moment) : moment.startOf('day'));
  // A local time that occurs twice because of a clock change: the range covers both.
  const moments = moment.getPossibleOffsets();
  return utc(isEnd ? DateTime.max(...moments)! : DateTime.min(...moments)!);
}

function endOfDay(start: unknown, zone: string): unknown {
  const moment = DateTime.fromISO(String(start), { zone });
  return moment.isValid ? utc(nextDay(moment)) : start;
}

/** Where midnight is skipped, that day starts later, but the next day does not. */
const nextDay = (moment: DateTime) => moment.startOf('day').plus({ days: 1 }).startOf('day');

const utc = (moment: DateTime) => moment.toUTC().toISO();

const unclear = (name: string) =>
  AppError.invalid(
    name,
    'must be a day or a time that exists, such as 2026-11-22 or 2026-11-22T09:00 by the master’s clock, or 2026-11-22T09:00:00+03:00',
  );
