import { Config } from '#platform';
import { createHmac } from 'node:crypto';
import { RefreshTokenSigner } from './refresh-token.js';

const KEY = 'k'.repeat(32);
const signer = new RefreshTokenSigner(Object.assign(new Config(), { JWT_SECRET: KEY }));
const SESSION = '01a1fb90-3fb5-7693-8f84-3eea6028c9d7';

it('reads a token that it signed', () => {
  expect(signer.read(signer.sign(SESSION, 7))).toEqual({ sessionId: SESSION, generation: 7 });
});

it('refuses anything else', () => {
  const [session, generation, mac] = signer.sign(SESSION, 7).split('.') as [string, string, string];
  const other = new RefreshTokenSigner(Object.assign(new Config(), { JWT_SECRET: 'o'.repeat(32) }));
  const forged = [
    '',
    '..',
    `${session}.8.${mac}`,
    `${SESSION.replace('0', '1')}.${generation}.${mac}`,
    `${session}.${generation}.`,
    `${session}.${generation}.${mac.slice(0, -2)}`,
    `${session}.${generation}.${mac}.x`,
    `${session}.0${generation}.${mac}`,
    `x.${generation}.${mac}`,
    other.sign(SESSION, 7),
    // Signed with the signing key itself instead of the derived one.
    `${session}.7.${createHmac('sha256', KEY).update(`${session}.7`).digest('base64url')}`,
  ];
  for (const token of forged) expect([token, signer.read(token)]).toEqual([token, undefined]);
});
