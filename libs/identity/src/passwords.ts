import { SIGN_IN, Metrics, NetworkCounts, unavailable } from '#platform';
import { hash, verify } from '@node-rs/argon2';
import { Injectable } from '@nestjs/common';
import { availableParallelism } from 'node:os';

/** OWASP's smallest setting for Argon2id, which is also the library's algorithm by default: 19 MiB, about 22 ms. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
/** Hashes at once: one processor and one of libuv's four threads are left for everything else. */
const AT_ONCE = Math.min(Math.max(availableParallelism() - 1, 1), SIGN_IN.hashing.most);
/** Those that wait, of all networks and of one. */
const WAITING = { known: SIGN_IN.hashingKnown, stranger: SIGN_IN.hashingStrangers };

/** Of no password anybody knows. Verifying against it makes an unknown account cost what a known one does. */
const NOBODY = await hash(crypto.randomUUID(), COST);

/** Keyboards differ in how they compose letters such as "й": the same password must stay the same. */
const composed = (password: string) => password.normalize('NFKC');

/** Out of turn, for accounts that no client waits for. */
export const hashPassword = (password: string): Promise<string> => hash(composed(password), COST);
export const isPassword = (stored: string, password: string): Promise<boolean> =>
  verify(stored, composed(password));

/** For whom a password is hashed. */
export interface Applicant {
  /** `known`: the account has had a session from this network. */
  standing: keyof typeof WAITING;
  network: string;
  /** Aborted when nobody waits for the answer any more. */
  gone?: AbortSignal;
}

interface Waiting {
  /** It is in line no more. */
  start(): void;
}

/** Hashing of passwords, a few at once. Those known come first; what nobody waits for any more is not done. */
@Injectable()
export class Passwords {
  private running = 0;
  private readonly queues: Record<Applicant['standing'], Waiting[]> = { known: [], stranger: [] };
  private readonly waiting = {
    known: new NetworkCounts(WAITING.known.most),
    stranger: new NetworkCounts(WAITING.stranger.most),
  };

  constructor(private readonly metrics: Metrics) {}

  /** @throws AppError UNAVAILABLE when too many wait, or the client is gone */
  hash(password: string, applicant: Applicant): Promise<string> {
    return this.enqueue(applicant, () => hashPassword(password));
  }

  /**
   * False also when there is no account, after the same time.
   * @throws AppError UNAVAILABLE when too many wait, or the client is gone
   */
  verify(stored: string | undefined, password: string, applicant: Applicant): Promise<boolean> {
    return this.enqueue(applicant, () => isPassword(stored ?? NOBODY, password));
  }

  private async enqueue<T>(applicant: Applicant, work: () => Promise<T>): Promise<T> {
    if (applicant.gone?.aborted) throw nobodyWaits();
    if (this.running < AT_ONCE) this.running += 1;
    else await this.runNext(applicant);
    try {
      return await work();
    } finally {
      const next = this.queues.known[0] ?? this.queues.stranger[0];
      if (next) next.start();
      else this.running -= 1;
    }
  }

  private runNext({ standing, network, gone }: Applicant): Promise<void> {
    const queue = this.queues[standing];
    const counts = this.waiting[standing];
    if (counts.refusalOf(network)) {
      this.metrics.refuse(WAITING[standing]);
      throw unavailable('Too many sign-ins at once, try again');
    }
    return new Promise((resolve, reject) => {
      const forget = () => {
        queue.splice(queue.indexOf(waiting), 1);
        counts.add(network, -1);
      };
      const leave = () => {
        forget();
        reject(nobodyWaits());
      };
      const start = () => {
        gone?.removeEventListener('abort', leave);
        forget();
        resolve();
      };
      const waiting = { start };
      queue.push(waiting);
      counts.add(network, 1);
      gone?.addEventListener('abort', leave, { once: true });
    });
  }
}

const nobodyWaits = () => unavailable('The client is gone');
