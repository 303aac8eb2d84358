import { MINUTE_MS, timeZoneOf, type AvailabilityDto, type SlotDto } from '#contracts';
import { DateTime } from 'luxon';

export interface Slot {
  start: Date;
  end: Date;
}

/** Working time without a break, in epoch milliseconds. Adjacent windows are one stretch, also across midnight. */
interface Stretch {
  /** Slots are counted from these times: the start, and each midnight after a full day of work. */
  grid: number[];
  end: number;
}

/**
 * The slots of a service that start in [from, to), in order: as many as fit into each stretch, one after the other from
 * its start. Counting restarts at a midnight after a full day of work, so that work around the clock has the same slots
 * every day. Windows are local times, so a window may be an hour longer or shorter on the day of a clock change. A
 * skipped local time is the moment of the change; a repeated local time is its first occurrence.
 */
export function* slotsIn(
  availability: AvailabilityDto,
  durationMinutes: number,
  from: Date,
  to: Date,
): Generator<Slot> {
  const step = durationMinutes * MINUTE_MS;
  for (const { grid, end } of stretchesIn(availability, from, to.getTime() + step))
    for (const [i, first] of grid.entries())
      for (let start = first; start < (grid[i + 1] ?? end) && start + step <= end; start += step)
        if (start >= from.getTime() && start < to.getTime())
          yield { start: new Date(start), end: new Date(start + step) };
}

/** Stretches from the day before `from`, which may reach into it, to `until`. Generated lazily. */
function* stretchesIn(
  { timezone, weekly, days_off }: AvailabilityDto,
  from: Date,
  until: number,
): Generator<Stretch> {
  const off = new Set(days_off);
  const windows = [...weekly].sort((a, b) => a.from.localeCompare(b.from));
  let last: Stretch | undefined;
  let before: DateTime = DateTime.fromJSDate(from, { zone: timeZoneOf(timezone) ?? 'UTC' })
    .startOf('day')
    .minus({ days: 1 })
    .startOf('day');
  for (let day = before; day.toMillis() < until; [before, day] = [day, nextDay(day)]) {
    if (off.has(day.toISODate()!)) continue;
    for (const window of windows) {
      if (window.weekday !== day.weekday % 7) continue;
      const [start, end] = [at(day, window.from), at(day, window.to)];
      // The window is inside the skipped hour.
      if (start >= end) continue;
      if (last?.end !== start) {
        if (last) yield last;
        last = { grid: [start], end };
        continue;
      }
      last.end = end;
      if (start === day.toMillis() && last.grid[0]! <= before.toMillis()) last.grid.push(start);
    }
  }
  if (last) yield last;
}

/** Whether a slot starts exactly at `start`. */
export function isSlot(availability: AvailabilityDto, durationMinutes: number, start: Date): boolean {
  const { done } = slotsIn(availability, durationMinutes, start, new Date(start.getTime() + 1)).next();
  return !done;
}

export const toSlot = ({ start, end }: Slot): SlotDto => ({
  starts_at: start.toISOString(),
  ends_at: end.toISOString(),
});

/** Where midnight is skipped, that day starts later, but the next day does not. */
const nextDay = (day: DateTime): DateTime => day.plus({ days: 1 }).startOf('day');

function at(day: DateTime, time: string): number {
  const [hour, minute] = time.split(':').map(Number);
  if (hour === 24) return nextDay(day).toMillis();
  const shown = day.set({ hour, minute });
  return shown.hour === hour && shown.minute === minute ? shown.toMillis() : leapBefore(shown);
}

/** The time of the latest clock change within the previous 24 hours, to the minute. */
function leapBefore(time: DateTime): number {
  let [before, after] = [time.minus({ hours: 24 }), time];
  for (let minutes; (minutes = after.diff(before).as('minutes')) > 1;) {
    const middle = before.plus({ minutes: Math.floor(minutes / 2) });
    if (middle.offset === time.offset) after = middle;
    else before = middle;
  }
  return after.toMillis();
}
