import type { BookingState } from '#contracts';

export const BOOKING_ACTIONS = ['confirm', 'decline', 'cancel', 'complete', 'no-show', 'dispute'] as const;
export type BookingAction = (typeof BOOKING_ACTIONS)[number];
export type Side = 'master' | 'client';

/** Who may take which step from which state: all there is, but for what happens by itself. */
export const TRANSITIONS: Record<
  BookingAction,
  {
    by: Side[];
    from: BookingState[];
    to: BookingState;
    /** A visit that has begun can be completed, and no longer called off. */
    start: 'ahead' | 'behind';
  }
> = {
  confirm: { by: ['master'], from: ['requested'], to: 'confirmed', start: 'ahead' },
  decline: { by: ['master'], from: ['requested'], to: 'declined', start: 'ahead' },
  cancel: { by: ['master', 'client'], from: ['requested', 'confirmed'], to: 'cancelled', start: 'ahead' },
  complete: { by: ['master'], from: ['confirmed'], to: 'completed', start: 'behind' },
  'no-show': { by: ['master'], from: ['confirmed'], to: 'cancelled', start: 'behind' },
  // Only of a no-show.
  dispute: { by: ['client'], from: ['cancelled'], to: 'completed', start: 'behind' },
};
