import type { AppError } from '#contracts';
import TinyQueue from 'tinyqueue';
import { unavailable } from './time-limit.js';

/** The half-life of a key's past use, ms. */
const HALF_LIFE_MS = 5000;
/** One place is added per so many waiting pieces of work: with many keys waiting, no single key is the cause. */
const WAITING_PER_PLACE = 16;
/** Work that takes longer waits for the database, not for this process: its place is given to the next key. In ms. */
const HOLD_MS = 500;
/** Interval of the check for keys that can be forgotten, ms. */
const SWEEP_MS = 10_000;

interface Waiting {
  /** Starts it on a place. A piece that was refused meanwhile leaves the place to the next one. */
  start: () => void;
  /** In the order of arrival. */
  place: number;
}

interface Use {
  /**
   * The binary logarithm of the recent use, as if none of it had decayed. All uses decay alike, so their order by score
   * changes only by a charge, which raises the score.
   */
  score: number;
  /** Pieces of work, also waiting ones. */
  running: number;
  /** The waiting pieces. */
  waiting: Waiting[];
  /** The score by which it has its place among the waiting keys. */
  rank: number;
}

/**
 * Shares a few places among many keys, such as users. A key with little recent use starts at once. The others share the
 * places, and the waiting key with the least use is next.
 */
export class FairScheduler {
  private readonly uses = new Map<string, Use>();
  /** The keys with waiting work. */
  private readonly keys = new TinyQueue<Use>([], inOrder);
  private waiting = 0;
  private arrived = 0;
  private shared = 0;
  private sweeping?: NodeJS.Timeout;

  /**
   * @param most.light the recent use up to which a key starts at once, if none of its work runs
   * @param most.atOnce the number of places for other work, while few pieces wait
   * @param most.waiting the limit of waiting pieces
   * @param most.ms how long a piece waits
   */
  constructor(
    private readonly most: { light: number; atOnce: number; waiting: number; ms?: number },
    private readonly onRefused: () => void,
  ) {}

  /**
   * @returns a function that ends the work
   * @throws AppError UNAVAILABLE (when too many wait, or for too long)
   */
  async acquire(key: string): Promise<() => void> {
    const use = this.useOf(key);
    const isLight = use.running === 0 && amountOf(use) < this.most.light;
    const mustWait = !isLight && (this.waiting > 0 || this.shared >= this.most.atOnce);
    if (mustWait && this.waiting >= this.most.waiting) throw this.refusal();
    use.running += 1;
    if (isLight) return () => void (use.running -= 1);
    if (mustWait) await this.wait(use);
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
    const use = this.useOf(key);
    use.score = Math.log2(amountOf(use) + amount) + halfLives();
  }

  private wait(use: Use): Promise<void> {
    return new Promise((resolve, reject) => {
      const { ms } = this.most;
      const refuse = () => {
        piece.start = () => void (this.shared -= 1);
        use.running -= 1;
        reject(this.refusal());
      };
      const timer = ms === undefined ? undefined : setTimeout(refuse, ms).unref();
      const start = () => {
        clearTimeout(timer);
        resolve();
      };
      const piece = { start, place: this.arrived++ };
      this.enqueue(use, piece);
      this.startNext();
    });
  }

  private refusal(): AppError {
    this.onRefused();
    return unavailable('Too many requests of this kind, try again');
  }

  private startNext(): void {
    const places = () => Math.max(this.most.atOnce, Math.floor(this.waiting / WAITING_PER_PLACE));
    while (this.waiting > 0 && this.shared < places()) {
      this.shared += 1;
      this.takeNext().start();
    }
  }

  private enqueue(use: Use, piece: Waiting): void {
    this.waiting += 1;
    if (use.waiting.push(piece) > 1) return;
    use.rank = use.score;
    this.keys.push(use);
  }

  private takeNext(): Waiting {
    let use: Use;
    // A key that was charged while it waited is not in its place yet.
    while ((use = this.keys.pop()!).rank !== use.score) {
      use.rank = use.score;
      this.keys.push(use);
    }
    const next = use.waiting.shift()!;
    this.waiting -= 1;
    if (use.waiting.length > 0) this.keys.push(use);
    return next;
  }

  private useOf(key: string): Use {
    let use = this.uses.get(key);
    if (!use) this.uses.set(key, (use = { score: -Infinity, running: 0, waiting: [], rank: 0 }));
    this.sweeping ??= setTimeout(() => this.sweep(), SWEEP_MS).unref();
    return use;
  }

  private sweep(): void {
    for (const [key, use] of this.uses) if (use.running === 0 && amountOf(use) < 1) this.uses.delete(key);
    this.sweeping = this.uses.size > 0 ? setTimeout(() => this.sweep(), SWEEP_MS).unref() : undefined;
  }
}

const halfLives = () => performance.now() / HALF_LIFE_MS;
const amountOf = ({ score }: Use) => 2 ** (score - halfLives());

/** Among keys with the same use, the work that has waited longest is first. */
const inOrder = (a: Use, b: Use) => a.rank - b.rank || a.waiting[0]!.place - b.waiting[0]!.place;
