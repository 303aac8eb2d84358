import type { BookingState } from '#contracts';

export type BookingAction = 'confirm' | 'decline' | 'cancel' | 'complete' | 'no-show' | 'dispute';
export type Side = 'master' | 'client';

/** The transitions that a party may make, by action. Transitions that happen automatically are elsewhere. */
export const TRANSITIONS: Record<
  BookingAction,
  {
    by: Side[];
    from: BookingState[];
    to: BookingState;
    /** A visit that has begun can be completed, but not cancelled. */
    start: 'ahead' | 'behind';
  }
> = {
  confirm: { by: ['master'], from: ['requested'], to: 'confirmed', start: 'ahead' },
  decline: { by: ['master'], from: ['requested'], to: 'declined', start: 'ahead' },
  cancel: { by: ['master', 'client'], from: ['requested', 'confirmed'], to: 'cancelled', start: 'ahead' },
  complete: { by: ['master'], from: ['confirmed'], to: 'completed', start: 'behind' },
  'no-show': { by: ['master'], from: ['confirmed'], to: 'cancelled', start: 'behind' },
  // Only after a no-show.
  dispute: { by: ['client'], from: ['cancelled'], to: 'completed', start: 'behind' },
};
