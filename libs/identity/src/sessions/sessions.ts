import type { AuthAnswer } from '#contracts';
import { Config, newId, type User } from '#platform';
import { Injectable } from '@nestjs/common';
import type { KeyObject } from 'node:crypto';
import { issueAccessToken, signingKey } from './access-token.js';
import { toMe, type Me } from '../accounts/profile.js';
import { RefreshTokenSigner, SESSION_LIFETIME_MS } from './refresh-token.js';

/** The device that signs in, as shown in the session list. */
export interface Device {
  device?: string;
  userAgent?: string;
  /** In canonical form. */
  ip: string;
  /** True when it is on the machine of the server: only then it may sign in by a known password. */
  isHere?: boolean;
  /** Aborted when the device no longer waits for the answer. */
  gone?: AbortSignal;
}

/** The answer to a sign-in without the user's `online`. */
export type SignInAnswer = Omit<AuthAnswer, 'user'> & { user: Me };

/** Creates sessions and their tokens. */
@Injectable()
export class Sessions {
  private readonly key: KeyObject;

  constructor(
    config: Config,
    private readonly refreshTokens: RefreshTokenSigner,
  ) {
    this.key = signingKey(config);
  }

  /** The columns of a new session, without its user. */
  open({ device, userAgent, ip }: Device) {
    const expiresAt = new Date(Date.now() + SESSION_LIFETIME_MS);
    return { id: newId(), device, userAgent: userAgent?.slice(0, 500), ip, expiresAt };
  }

  /** `tokenUntil`: when the access token expires, if not in 15 minutes. */
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
