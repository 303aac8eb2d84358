import { Config } from '#platform';
import { Injectable } from '@nestjs/common';
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { validate as isUuid } from 'uuid';
import { signingKey } from './access-token.js';

/** Lifetime of a session after its last refresh, ms. */
export const SESSION_LIFETIME_MS = 30 * 24 * 3600 * 1000;

/**
 * `<session id>.<generation>.<HMAC>`: the session row stores the current generation and no secret. A forged token is
 * refused without a database query.
 */
@Injectable()
export class RefreshTokenSigner {
  private readonly key: Buffer;

  constructor(config: Config) {
    // A separate key: the signature of an access token is never valid for a refresh token.
    this.key = Buffer.from(hkdfSync('sha256', signingKey(config), '', 'refresh-token', 32));
  }

  sign(sessionId: string, generation: number): string {
    const text = `${sessionId}.${generation}`;
    return `${text}.${this.mac(text).toString('base64url')}`;
  }

  /** The signed content; undefined when the signature is invalid. */
  read(token: string): { sessionId: string; generation: number } | undefined {
    const [sessionId = '', generation = '', mac = '', ...rest] = token.split('.');
    if (rest.length > 0 || !isUuid(sessionId) || !/^\d{1,9}$/.test(generation)) return undefined;
    const expected = this.mac(`${sessionId}.${generation}`);
    const given = Buffer.from(mac, 'base64url');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    return { sessionId, generation: Number(generation) };
  }

  private mac(text: string): Buffer {
    return createHmac('sha256', this.key).update(text).digest();
  }
}
