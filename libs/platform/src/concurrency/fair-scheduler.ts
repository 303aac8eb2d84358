import { unavailable } from './time-limit.js';

/** A key's use is forgotten by half in so many ms. */
const HALF_LIFE_MS = 5000;
/** For so many pieces of work that wait there is a turn more: where many keys wait, they are a crowd, and nobody's fault. */
const WAITING_PER_PLACE = 16;
/** Longer work waits for the database and not for this process: it passes its turn on. ms */
const HOLD_MS = 500;
/** How often it is looked which keys are forgotten, ms. */
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
 * Work of many keys, such as users. A key that has used little of late starts at once. The others share a few turns, and of
 * those that wait the key that has used least is next.
 */
export class FairScheduler {
  private readonly uses = new Map<string, Use>();
  private readonly waiting: Waiting[] = [];
  private shared = 0;
  private sweeping?: NodeJS.Timeout;

  /**
   * @param most.light most that a key may have used of late and still start at once, if nothing else of it runs
   * @param most.atOnce pieces of work of all others, while few wait
   * @param most.waiting pieces of work that wait
   */
  constructor(
    private readonly most: { light: number; atOnce: number; waiting: number },
    private readonly onRefused: () => void,
  ) {}

  /**
   * @returns what ends the work
   * @throws AppError UNAVAILABLE when too many wait
   */
  async acquire(key: string): Promise<() => void> {
    const use = this.useOf(key);
    const isLight = use.running === 0 && use.amount < this.most.light;
    const mustWait = !isLight && (this.waiting.length > 0 || this.shared >= this.most.atOnce);
    if (mustWait && this.waiting.length >= this.most.waiting) {
      this.onRefused();
      throw unavailable('Too much of this kind at once, try again');
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

  /** Adds to what a key has used. */
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
