import { timeZoneOf } from '#contracts';
import { DateTime } from 'luxon';

/**
 * The time nearest to `due` on a client's usual weekday and time of day, in a time zone. The weekday is the most
 * frequent one (the latest visit's among equals), the time of day is the median.
 */
export function usualTime(visits: Date[], due: Date, timezone: string): Date {
  const zone = timeZoneOf(timezone) ?? 'UTC';
  const times = visits.map((visit) => DateTime.fromJSDate(visit, { zone }));
  const count = new Map<number, number>();
  for (const { weekday } of times) count.set(weekday, (count.get(weekday) ?? 0) + 1);
  const most = Math.max(...count.values());
  const { weekday } = times.findLast((time) => count.get(time.weekday) === most)!;
  const minutes = times.map(({ hour, minute }) => hour * 60 + minute).sort((a, b) => a - b);
  const usual = minutes[Math.floor(minutes.length / 2)]!;

  const day = DateTime.fromJSDate(due, { zone }).startOf('day');
  const ahead = (weekday - day.weekday + 7) % 7;
  return day
    .plus({ days: ahead > 3 ? ahead - 7 : ahead })
    .set({ hour: Math.floor(usual / 60), minute: usual % 60 })
    .toJSDate();
}
