import type { AvailabilityDto, SlotDto } from '#contracts';
import { DateTime } from 'luxon';

export interface Slot {
  start: Date;
  end: Date;
}

/** Working time without a break, in epoch milliseconds; windows that touch are one, also at midnight. */
interface Stretch {
  /** Where slots are counted from: its start, and each midnight after a whole day of work. */
  grid: number[];
  end: number;
}

/**
 * The slots of a service in a master's week that begin in [from, to), in their order: as many as fit into each stretch,
 * one after the other from its start. Slots are counted anew at a midnight after a whole day of work, so that work around
 * the clock has the same slots every day. A window is what the clock on the master's wall says, so it may last an hour
 * more or less on the day that the clocks change; a time that this clock skips is the moment at which it does, and one
 * that it shows twice is the first.
 */
export function* slotsIn(
  availability: AvailabilityDto,
  durationMinutes: number,
  from: Date,
  to: Date,
): Generator<Slot> {
  const step = durationMinutes * 60_000;
  for (const { grid, end } of stretchesIn(availability, from, to.getTime() + step))
    for (const [i, first] of grid.entries())
      for (let start = first; start < (grid[i + 1] ?? end) && start + step <= end; start += step)
        if (start >= from.getTime() && start < to.getTime())
          yield { start: new Date(start), end: new Date(start + step) };
}

/** From the day before `from`, in which a stretch may begin that reaches it, to `until`. Each is made when it is asked for. */
function* stretchesIn(
  { timezone, weekly, days_off }: AvailabilityDto,
  from: Date,
  until: number,
): Generator<Stretch> {
  const off = new Set(days_off);
  const windows = [...weekly].sort((a, b) => a.from.localeCompare(b.from));
  let last: Stretch | undefined;
  let before: DateTime = DateTime.fromJSDate(from, { zone: timezone })
    .startOf('day')
    .minus({ days: 1 })
    .startOf('day');
  for (let day = before; day.toMillis() < until; [before, day] = [day, nextDay(day)]) {
    if (off.has(day.toISODate()!)) continue;
    for (const window of windows) {
      if (window.weekday !== day.weekday % 7) continue;
      const [start, end] = [at(day, window.from), at(day, window.to)];
      // In the hour that the clock skips.
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

/** Whether a slot begins exactly then. */
export function isSlot(availability: AvailabilityDto, durationMinutes: number, start: Date): boolean {
  const { done } = slotsIn(availability, durationMinutes, start, new Date(start.getTime() + 1)).next();
  return !done;
}

export const toSlot = ({ start, end }: Slot): SlotDto => ({
  starts_at: start.toISOString(),
  ends_at: end.toISOString(),
});

/** Where midnight is skipped a day begins later, but not the day after it. */
const nextDay = (day: DateTime): DateTime => day.plus({ days: 1 }).startOf('day');

function at(day: DateTime, time: string): number {
  const [hour, minute] = time.split(':').map(Number);
  if (hour === 24) return nextDay(day).toMillis();
  const shown = day.set({ hour, minute });
  return shown.hour === hour && shown.minute === minute ? shown.toMillis() : leapBefore(shown);
}

/** When the clock was last changed, to the minute, on the day before. */
function leapBefore(time: DateTime): number {
  let [before, after] = [time.minus({ hours: 24 }), time];
  for (let minutes; (minutes = after.diff(before).as('minutes')) > 1;) {
    const middle = before.plus({ minutes: Math.floor(minutes / 2) });
    if (middle.offset === time.offset) after = middle;
    else before = middle;
  }
  return after.toMillis();
}
