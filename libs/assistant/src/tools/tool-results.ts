import type { BookingDto, ServiceDto, SlotDto } from '#contracts';
import { ASSISTANT } from '#platform';
import { localTime } from './local-time.js';

/** Limit of characters of one tool result. */
const { most: MAX_RESULT } = ASSISTANT.toolResult;
/** Limit of characters of a user's text in it. */
const MAX_TEXT = 300;

const truncated = (text: string | null) =>
  text && text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT).toWellFormed()}…` : text;

export const aboutService = (service: ServiceDto, timezone?: string) => ({
  id: service.id,
  name: service.name,
  description: truncated(service.description),
  price: service.price,
  duration: service.duration,
  master: {
    id: service.master.id,
    name: service.master.name,
    rating: service.master.rating,
    reviews_count: service.master.reviews_count,
  },
  timezone: timezone ?? null,
});

export const aboutBooking = (booking: BookingDto, timezone: string, userZone?: string) => ({
  id: booking.id,
  service_id: booking.service_id,
  service_name: booking.service_name,
  price: booking.price,
  status: booking.status,
  master: { id: booking.master.id, name: booking.master.name },
  client: { id: booking.client.id, name: booking.client.name },
  ...timesOf(booking, timezone, userZone),
  timezone,
  note: truncated(booking.note),
  reason: truncated(booking.reason),
});

/** `starts_at` and `ends_at` with their offset; `starts_local` as people write it. */
export function timesOf({ starts_at, ends_at }: SlotDto, timezone: string, userZone?: string) {
  const { at, local, ...more } = localTime(starts_at, timezone, userZone);
  return { starts_at: at, ends_at: localTime(ends_at, timezone).at, starts_local: local, ...more };
}

export interface ToolResult {
  items: unknown[];
  [about: string]: unknown;
}

/** As JSON. A list that is too long is truncated, with a note. */
export function resultOf(result: ToolResult): string {
  const text = JSON.stringify(result);
  if (text.length <= MAX_RESULT) return text;
  const items = [...result.items];
  let length = text.length;
  while (length > MAX_RESULT && items.length > 0) length -= JSON.stringify(items.pop()).length + 1;
  return JSON.stringify({ ...result, items, more: true });
}
