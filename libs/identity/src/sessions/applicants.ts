import { SIGN_IN, Batcher, CONNECT_BATCH, Metrics, PgPool, RateLimits, networkOf } from '#platform';
import { Injectable } from '@nestjs/common';
import type { Applicant } from './passwords.js';
import type { Device } from './sessions.js';

/** Only the addresses of an account's newest 100 sessions are compared. */
const SESSIONS = 100;

interface Found {
  email: string;
  passwordHash: string;
  ips: string[];
}

/** Counts sign-in attempts per account, and refuses those beyond its limits. */
@Injectable()
export class Applicants {
  private readonly lookups = new Batcher<string, Found | undefined>((emails) => this.find(emails), {
    ...CONNECT_BATCH,
    maxQueued: SIGN_IN.lookUps.most,
    onRefused: () => this.metrics.refuse(SIGN_IN.lookUps),
  });

  constructor(
    private readonly pool: PgPool,
    private readonly limits: RateLimits,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Counts an attempt. A network from which the account has had a session is known. Attempts from a known network are
   * counted separately: attempts by strangers, and attempts of the network on other accounts, do not count against
   * them.
   * @throws AppError RATE_LIMIT, UNAVAILABLE
   */
  async attempt(email: string, { ip, gone }: Device): Promise<Applicant & { passwordHash?: string }> {
    const account = await this.lookups.add(email);
    const network = networkOf(ip);
    const isKnown = account?.ips.some((one) => networkOf(one) === network) ?? false;
    // The network limit comes first: an attempt that it refuses changes no other counter.
    if (!isKnown) await this.limits.takeOf('signInNetwork', network);
    await this.limits.take('signIn', `${network}:${email}`);
    if (!isKnown) await this.limits.take('signInAccount', email);
    return {
      standing: isKnown ? 'known' : 'stranger',
      network,
      gone,
      passwordHash: account?.passwordHash,
    };
  }

  /** Uncounts a successful attempt in the shared counters, since it was not a guess. */
  async succeeded(email: string, { standing, network }: Applicant): Promise<void> {
    if (standing === 'known') return;
    await Promise.all([
      this.limits.giveBackTo('signInNetwork', network),
      this.limits.giveBack('signInAccount', email),
    ]);
  }

  /** In the order of `emails`. */
  private async find(emails: string[]): Promise<(Found | undefined)[]> {
    const { rows } = await this.pool.query<Found>({
      name: 'applicants',
      text: `SELECT email, password_hash AS "passwordHash", ARRAY(
          SELECT DISTINCT ip FROM (
            SELECT ip FROM sessions WHERE user_id = users.id AND ip IS NOT NULL ORDER BY id DESC LIMIT ${SESSIONS}
          ) AS newest) AS ips
        FROM users WHERE email = ANY($1::text[])`,
      values: [[...new Set(emails)]],
    });
    const found = new Map(rows.map((row) => [row.email, row]));
    return emails.map((email) => found.get(email));
  }
}
