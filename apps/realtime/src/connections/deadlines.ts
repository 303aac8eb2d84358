import { scheduleAt } from './schedule-at.js';

/**
 * Runs actions at their times, with one timer per time: tokens expire at whole seconds, so thousands of devices share
 * few timers.
 */
export class Deadlines<T> {
  private readonly timers = new Map<number, { items: Set<T>; cancel(): void }>();
  private readonly times = new Map<T, number>();

  constructor(private readonly end: (item: T) => void) {}

  /** Replaces the item's earlier time. */
  set(item: T, time: Date): void {
    this.delete(item);
    const at = time.getTime();
    let timer = this.timers.get(at);
    if (!timer) {
      const cancel = scheduleAt(time, () => this.endAll(at));
      this.timers.set(at, (timer = { items: new Set(), cancel }));
    }
    timer.items.add(item);
    this.times.set(item, at);
  }

  delete(item: T): void {
    const at = this.times.get(item);
    if (at === undefined) return;
    this.times.delete(item);
    const { items, cancel } = this.timers.get(at)!;
    items.delete(item);
    if (items.size > 0) return;
    cancel();
    this.timers.delete(at);
  }

  private endAll(at: number): void {
    for (const item of this.timers.get(at)?.items ?? []) {
      this.delete(item);
      this.end(item);
    }
  }
}
