import { DateTime } from 'luxon';

/**
 * The moment nearest to `due` on the weekday and at the time of day when somebody usually comes, by the clock of a
 * time zone: the most frequent weekday (of equals, the latest visit's) and the median time.
 */
export function usualTime(visits: Date[], due: Date, zone: string): Date {
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
