import { SIGN_IN, Metrics, NetworkCounts, disconnected, unavailable } from '#platform';
import { hash, verify } from '@node-rs/argon2';
import { Injectable } from '@nestjs/common';
import { availableParallelism } from 'node:os';

/** OWASP's minimum for Argon2id, which is also the library's default algorithm: 19 MiB, about 22 ms. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
/** Concurrent hashes. One processor, and one of libuv's four threads, stay free for other work. */
const AT_ONCE = Math.min(Math.max(availableParallelism() - 1, 1), SIGN_IN.hashing.most);
/** Limits of waiting hashes, in total and per network. */
const WAITING = { known: SIGN_IN.hashingKnown, stranger: SIGN_IN.hashingStrangers };

/** The hash of a random password. Verifying against it makes an unknown account take as long as a known one. */
const NOBODY = await hash(crypto.randomUUID(), COST);

/** Keyboards compose letters such as "й" differently; the same password must stay the same. */
export const composed = (password: string) => password.normalize('NFKC');

/** Bypasses the queue: for accounts created without a waiting client. */
export const hashPassword = (password: string): Promise<string> => hash(composed(password), COST);
export const isPassword = (stored: string, password: string): Promise<boolean> =>
  verify(stored, composed(password));

/** The account and network for which a password is hashed. */
export interface Applicant {
  /** `known`: the account has had a session from this network. */
  standing: keyof typeof WAITING;
  network: string;
  /** Aborted when no client waits for the answer any more. */
  gone?: AbortSignal;
}

interface Waiting {
  /** Removes it from the queue and runs it. */
  start(): void;
}

/** Hashes passwords, a few at once. Known networks go first. Work is skipped when no client waits for it any more. */
@Injectable()
export class Passwords {
  private running = 0;
  private readonly queues: Record<Applicant['standing'], Waiting[]> = { known: [], stranger: [] };
  private readonly waiting = {
    known: new NetworkCounts(WAITING.known.most),
    stranger: new NetworkCounts(WAITING.stranger.most),
  };

  constructor(private readonly metrics: Metrics) {}

  /** @throws AppError UNAVAILABLE (when too many wait), INVALID_DATA (when the client has disconnected) */
  hash(password: string, applicant: Applicant): Promise<string> {
    return this.enqueue(applicant, () => hashPassword(password));
  }

  /**
   * Also false when there is no account, after the same time.
   * @throws AppError UNAVAILABLE (when too many wait), INVALID_DATA (when the client has disconnected)
   */
  verify(stored: string | undefined, password: string, applicant: Applicant): Promise<boolean> {
    return this.enqueue(applicant, () => isPassword(stored ?? NOBODY, password));
  }

  private async enqueue<T>(applicant: Applicant, work: () => Promise<T>): Promise<T> {
    if (applicant.gone?.aborted) throw disconnected();
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
        reject(disconnected());
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
