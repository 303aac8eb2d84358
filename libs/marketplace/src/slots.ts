import type { AvailabilityDto, SlotDto } from '#contracts';
import { DateTime } from 'luxon';

export interface Slot {
  start: Date;
  end: Date;
}

/**
 * The slots of a service in a master's week that begin in [from, to), in their order: as many as fit into each window,
 * one after the other from its start. A window is what the clock on the master's wall says, so it may last an hour
 * more or less on the day that the clocks change; a time that this clock skips is the moment at which it does, and one
 * that it shows twice is the first.
 */
export function* slotsIn(
  { timezone, weekly, days_off }: AvailabilityDto,
  durationMinutes: number,
  from: Date,
  to: Date,
): Generator<Slot> {
  const off = new Set(days_off);
  const windows = [...weekly].sort((a, b) => a.from.localeCompare(b.from));
  const step = durationMinutes * 60_000;
  let day: DateTime = DateTime.fromJSDate(from, { zone: timezone }).startOf('day');
  for (; day.toMillis() < to.getTime(); day = nextDay(day)) {
    if (off.has(day.toISODate()!)) continue;
    for (const window of windows) {
      if (window.weekday !== day.weekday % 7) continue;
      const end = at(day, window.to);
      for (let start = at(day, window.from); start + step <= end; start += step)
        if (start >= from.getTime() && start < to.getTime())
          yield { start: new Date(start), end: new Date(start + step) };
    }
  }
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
