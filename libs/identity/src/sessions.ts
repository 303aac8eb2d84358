import type { AuthAnswer } from '#contracts';
import { Config, newId, type User } from '#platform';
import { Injectable } from '@nestjs/common';
import type { KeyObject } from 'node:crypto';
import { issueAccessToken, signingKey } from './access-token.js';
import { toMe, type Me } from './profile.js';
import { RefreshTokenSigner, SESSION_LIFETIME_MS } from './refresh-token.js';

/** The device that signs in, as the session list shows it. */
export interface Device {
  device?: string;
  userAgent?: string;
  /** Canonical. */
  ip: string;
  /** Aborted when the device waits for the answer no more. */
  gone?: AbortSignal;
}

/** The contract's answer to a sign-in, but for the user's `online`. */
export type SignInAnswer = Omit<AuthAnswer, 'user'> & { user: Me };

/** What opens a session and what a client gets for it. */
@Injectable()
export class Sessions {
  private readonly key: KeyObject;

  constructor(
    config: Config,
    private readonly refreshTokens: RefreshTokenSigner,
  ) {
    this.key = signingKey(config);
  }

  /** A new session's columns, but for its user. */
  open({ device, userAgent, ip }: Device) {
    const expiresAt = new Date(Date.now() + SESSION_LIFETIME_MS);
    return { id: newId(), device, userAgent: userAgent?.slice(0, 500), ip, expiresAt };
  }

  /** `tokenUntil`: when the access token ends, if not in 15 minutes. */
  answer(user: User, sessionId: string, generation: number, tokenUntil?: Date): SignInAnswer {
    const { token, expiresAt } = issueAccessToken(this.key, user.id, sessionId, tokenUntil);
    return {
      user: toMe(user),
      access_token: token,
      refresh_token: this.refreshTokens.sign(sessionId, generation),
      expires_at: expiresAt.toISOString(),
    };
  }
}
