import { unavailable } from './time-limit.js';

/** The half-life of a key's past use, ms. */
const HALF_LIFE_MS = 5000;
/** One place is added per so many waiting pieces of work: with many keys waiting, no single key is the cause. */
const WAITING_PER_PLACE = 16;
/** Work that takes longer waits for the database, not for this process: its place is given to the next key. In ms. */
const HOLD_MS = 500;
/** Interval of the check for keys that can be forgotten, ms. */
const SWEEP_MS = 10_000;

interface Use {
  /** The use of the key until `at`. */
  amount: number;
  at: number;
  /** Pieces of work. */
  running: number;
}
interface Waiting {
  use: Use;
  start: () => void;
}

/**
 * Shares a few places among many keys, such as users. A key with little recent use starts at once. The others share the
 * places, and the waiting key with the least use is next.
 */
export class FairScheduler {
  private readonly uses = new Map<string, Use>();
  private readonly waiting: Waiting[] = [];
  private shared = 0;
  private sweeping?: NodeJS.Timeout;

  /**
   * @param most.light the recent use up to which a key starts at once, if none of its work runs
   * @param most.atOnce the number of places for other work, while few pieces wait
   * @param most.waiting the limit of waiting pieces
   */
  constructor(
    private readonly most: { light: number; atOnce: number; waiting: number },
    private readonly onRefused: () => void,
  ) {}

  /**
   * @returns a function that ends the work
   * @throws AppError UNAVAILABLE (when too many wait)
   */
  async acquire(key: string): Promise<() => void> {
    const use = this.useOf(key);
    const isLight = use.running === 0 && use.amount < this.most.light;
    const mustWait = !isLight && (this.waiting.length > 0 || this.shared >= this.most.atOnce);
    if (mustWait && this.waiting.length >= this.most.waiting) {
      this.onRefused();
      throw unavailable('Too many requests of this kind, try again');
    }
    use.running += 1;
    if (isLight) return () => void (use.running -= 1);
    if (mustWait)
      await new Promise<void>((start) => {
        this.waiting.push({ use, start });
        this.startNext();
      });
    else this.shared += 1;
    let hasPlace = true;
    const passOn = () => {
      if (!hasPlace) return;
      hasPlace = false;
      clearTimeout(timer);
      this.shared -= 1;
      this.startNext();
    };
    const timer = setTimeout(passOn, HOLD_MS).unref();
    return () => {
      use.running -= 1;
      passOn();
    };
  }

  /** Adds to the use of a key. */
  charge(key: string, amount: number): void {
    this.useOf(key).amount += amount;
  }

  private startNext(): void {
    const places = () => Math.max(this.most.atOnce, Math.floor(this.waiting.length / WAITING_PER_PLACE));
    while (this.waiting.length > 0 && this.shared < places()) {
      this.shared += 1;
      this.takeNext().start();
    }
  }

  private takeNext(): Waiting {
    const now = performance.now();
    let least = 0;
    for (const [i, { use }] of this.waiting.entries())
      if (amountAt(use, now) < amountAt(this.waiting[least]!.use, now)) least = i;
    return this.waiting.splice(least, 1)[0]!;
  }

  private useOf(key: string): Use {
    const now = performance.now();
    let use = this.uses.get(key);
    if (!use) this.uses.set(key, (use = { amount: 0, at: now, running: 0 }));
    use.amount = amountAt(use, now);
    use.at = now;
    this.sweeping ??= setTimeout(() => this.sweep(), SWEEP_MS).unref();
    return use;
  }

  private sweep(): void {
    const now = performance.now();
    for (const [key, use] of this.uses)
      if (use.running === 0 && amountAt(use, now) < 1) this.uses.delete(key);
    this.sweeping = this.uses.size > 0 ? setTimeout(() => this.sweep(), SWEEP_MS).unref() : undefined;
  }
}

const amountAt = ({ amount, at }: Use, now: number) => amount * 0.5 ** ((now - at) / HALF_LIFE_MS);
