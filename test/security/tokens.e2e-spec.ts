import { ErrorBody } from '#contracts';
import { DatabaseSession, contractErrors, Device, SIGNING_KEY, TestApp, text, type Account } from '#testing';
import jwt, { type JwtPayload } from 'jsonwebtoken';
import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto';
import { databaseDigest, databaseDigestAtRest } from './database-digest.js';

let app: TestApp;
let anna: Account;
let boris: Account;
let stored: object;
beforeAll(async () => {
  app = await TestApp.start();
  [anna, boris] = await app.people('Анна', 'Борис');
  await app.chat(anna, boris);
  stored = await databaseDigestAtRest(app);
});
afterAll(() => app.stop());

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
const mac = (input: string, key: string | Buffer = SIGNING_KEY, hash = 'sha256') =>
  createHmac(hash, key).update(input).digest('base64url');
/** A token with any header and claims, signed as HS256 whatever the header says. */
const made = (header: object, claims: object, key?: string | Buffer, hash?: string) => {
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${mac(input, key, hash)}`;
};
const HS256 = { alg: 'HS256', typ: 'JWT' };
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = publicKey.export({ type: 'spki', format: 'pem' });
const claimsOf = ({ token }: Account) => jwt.decode(token) as JwtPayload;
const partsOf = ({ token }: Account) => token.split('.') as [string, string, string];

/** Forges a token from the good claims of an account. */
type Forge = (claims: JwtPayload) => string;
const without = (claim: string) => (claims: JwtPayload) => made(HS256, { ...claims, [claim]: undefined });
const withClaims = (more: object) => (claims: JwtPayload) => made(HS256, { ...claims, ...more });
/** Signed with the forger's own key, and with a header that says where to find it. */
const keyed = (header: object, key: string) => (claims: JwtPayload) =>
  made({ ...HS256, ...header }, claims, key);
const unsigned = (alg: unknown) => (claims: JwtPayload) => `${encode({ alg })}.${encode(claims)}.`;

const FORGERIES: Record<string, Forge> = {
  ...Object.fromEntries(
    ['none', 'None', 'NONE', 'nOnE', '', null, [], ['none'], {}, 0].flatMap((alg) => [
      [`algorithm ${JSON.stringify(alg)}`, unsigned(alg)],
      [`algorithm ${JSON.stringify(alg)}, signed`, (claims: JwtPayload) => made({ alg }, claims)],
    ]),
  ),
  'no algorithm at all': (claims) => made({}, claims),
  HS512: (claims) => jwt.sign(claims, SIGNING_KEY, { algorithm: 'HS512' }),
  'HS384 by name only': (claims) => made({ alg: 'HS384' }, claims),
  RS256: (claims) => jwt.sign(claims, privateKey, { algorithm: 'RS256' }),
  'RS256 by name only': (claims) => made({ alg: 'RS256' }, claims),
  'a public key as the secret': (claims) => made(HS256, claims, pem),
  'no secret': (claims) => made(HS256, claims, ''),
  'another secret': (claims) => made(HS256, claims, 'another-secret-another-secret-another'),
  'the refresh tokens’ secret': (claims) => made(HS256, claims, Buffer.alloc(32)),
  'a file as kid': keyed({ kid: '/dev/null' }, ''),
  'a kid with a parent path': keyed({ kid: '../../../../dev/null' }, ''),
  'SQL as kid': keyed({ kid: `x' UNION SELECT 'key' --` }, 'key'),
  'an object as kid': keyed({ kid: { toString: 'key' } }, 'key'),
  'a jku': keyed({ jku: 'http://127.0.0.1:1/keys' }, 'key'),
  'a jwk': keyed({ jwk: { kty: 'oct', k: Buffer.from('key').toString('base64url') } }, 'key'),
  'an x5u': keyed({ x5u: 'http://127.0.0.1:1/key' }, 'key'),
  'an x5c': keyed({ x5c: [Buffer.from('key').toString('base64')] }, 'key'),
  'a critical extension': keyed({ crit: ['exp'], exp: 0 }, 'key'),

  'another issuer': withClaims({ iss: 'other' }),
  'a list of issuers': withClaims({ iss: ['service-platform'] }),
  'no issuer': without('iss'),
  'another audience': withClaims({ aud: 'other' }),
  'no audience': without('aud'),
  'another type': withClaims({ typ: 'refresh' }),
  'no type': without('typ'),
  'no end': without('exp'),
  'an expiry as text': withClaims({ exp: '9999999999' }),
  'a past expiry': withClaims({ exp: Math.floor(Date.now() / 1000) - 1 }),
  'a future start': withClaims({ nbf: Math.floor(Date.now() / 1000) + 600 }),
  'no session': without('sid'),
  'an invalid session id': withClaims({ sid: 'x' }),
  'an unknown session': withClaims({ sid: randomUUID() }),
  'a query condition as session': withClaims({ sid: { not: randomUUID() } }),
  'a list of sessions': (claims) => made(HS256, { ...claims, sid: [claims.sid as string] }),
  'no user': without('sub'),
  'an unknown user': withClaims({ sub: randomUUID() }),
  'a query condition as user': withClaims({ sub: { not: randomUUID() } }),
  'another user with one’s own session': (claims) => made(HS256, { ...claims, sub: boris.id }),
  'one’s own user with the session of another': (claims) =>
    made(HS256, { ...claims, sid: claimsOf(boris).sid as string }),
  'no id': without('jti'),

  'changed claims': (claims) => {
    const [header, , signature] = partsOf(anna);
    return `${header}.${encode({ ...claims, sub: boris.id })}.${signature}`;
  },
  'text as claims': () => jwt.sign('text', SIGNING_KEY),
  'claims without valid JSON': () => `${encode(HS256)}.e30x.${mac(`${encode(HS256)}.e30x`)}`,
  'a signature with a changed unused bit': () => anna.token.slice(0, -1) + lastOfTheSameByte(anna.token),
  'a padded signature': () => `${anna.token}=`,
  'a signature in base64': () => `${anna.token.slice(0, -1)}+`,
  'half a signature': () => anna.token.slice(0, -20),
  'no signature': () => `${partsOf(anna).slice(0, 2).join('.')}.`,
  'two parts': () => partsOf(anna).slice(0, 2).join('.'),
  'four parts': () => `${anna.token}.${partsOf(anna)[2]}`,
  'a space within': () => anna.token.replace('.', '. '),
  'a refresh token': () => anna.refreshToken,
  nonsense: () => 'nonsense',
  dots: () => '..',
};

/** The last character of a signature has two unused bits. */
function lastOfTheSameByte(token: string): string {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return digits[digits.indexOf(token.at(-1)!) ^ 1]!;
}

/** The socket gets an error and is closed; events that it sent at once are ignored. */
async function isTurnedAway(token: unknown, options: Parameters<typeof Device.open>[2] = {}) {
  const device = app.keep(Device.open(app.url, token, options));
  let answers = 0;
  for (const event of ['chat:message:send', 'auth:refresh', 'nonsense'])
    device.socket.emit(event, { ...text({ id: randomUUID() }), token: anna.token }, () => answers++);
  const gone = await new Promise((resolve) => device.socket.once('disconnect', resolve));
  expect(gone).toBe('io server disconnect');
  expect(device.received).toMatchObject([
    { event: 'error', payload: { code: 'UNAUTHORIZED', message: 'Invalid token' } },
  ]);
  expect(answers).toBe(0);
}

describe('a token', () => {
  it('is accepted when it is made like a good one', async () => {
    const good = made(HS256, claimsOf(anna));
    expect((await app.request('GET', 'users/me', good)).status).toBe(200);
    // Other header fields beside the algorithm are ignored.
    const more = made({ ...HS256, kid: '/dev/null', jku: 'http://127.0.0.1:1/' }, claimsOf(anna));
    expect((await app.request('GET', 'users/me', more)).status).toBe(200);
    const device = await app.device({ ...anna, token: good });
    expect((await device.send('auth:refresh', { token: good })).status).toBe('ok');
    device.close();
  });

  it.each(Object.entries(FORGERIES))(
    'with %s is refused: REST, handshake, auth:refresh, assistant',
    async (_, forge) => {
      const token = forge(claimsOf(anna));
      const { status, body } = await app.request<ErrorBody>('GET', 'users/me', token);
      expect([status, body.code, body.message]).toEqual([401, 'UNAUTHORIZED', 'Invalid token']);
      expect(contractErrors(ErrorBody, body)).toEqual([]);
      await isTurnedAway(token);
      const device = await app.device(anna);
      expect((await device.send('auth:refresh', { token })).code).toBe('UNAUTHORIZED');
      device.close();
      const assistant = await app.assistant();
      const refused = await assistant.ask('join_chat', { token }, 'error');
      expect(refused).toMatchObject({ message: 'Invalid authentication token', code: 'UNAUTHORIZED' });
      expect(await assistant.ask('create_chat', {}, 'error')).toMatchObject({ code: 'UNAUTHORIZED' });
      assistant.close();
    },
  );

  afterAll(async () => expect(await databaseDigest(app)).toEqual(stored));
});

describe('a refresh token', () => {
  const refresh = (refresh_token: unknown) =>
    app.request('POST', 'auth/refresh', undefined, { refresh_token });
  const parts = () => anna.refreshToken.split('.') as [string, string, string];

  it.each<[string, () => unknown]>([
    ['an access token', () => anna.token],
    ['a token of another session', () => [claimsOf(boris).sid, ...parts().slice(1)].join('.')],
    ['a token of a later generation', () => [parts()[0], '2', parts()[2]].join('.')],
    ['a token of the same generation in another encoding', () => [parts()[0], '01', parts()[2]].join('.')],
    ['a token signed like an access token', () => `${parts()[0]}.1.${mac(`${parts()[0]}.1`)}`],
    ['a token without its signature', () => `${parts()[0]}.1.`],
    ['a token with more characters', () => `${anna.refreshToken}.`],
    ['nonsense', () => 'x'],
  ])('cannot be %s', async (_, forge) => {
    const { status, body } = await refresh(forge());
    expect([status, body.code]).toEqual([401, 'UNAUTHORIZED']);
  });

  it.each([null, 1, [], {}, ''])('cannot be %j', async (token) => {
    expect((await refresh(token)).body.code).toBe('INVALID_DATA');
  });

  afterAll(async () => expect(await databaseDigest(app)).toEqual(stored));
});

describe('a misplaced token is ignored:', () => {
  const get = async (path: string, headers: Record<string, string>) =>
    (await fetch(app.url + path, { headers })).status;

  it('in an address, a cookie, a body or another header', async () => {
    const { token } = anna;
    for (const name of ['token', 'access_token', 'auth_token', 'authorization', 'jwt'])
      expect(await get(`/api/v2/users/me?${name}=${token}`, {})).toBe(401);
    const elsewhere: [string, string][] = [
      ['cookie', `token=${token}; access_token=${token}; jwt=${token}`],
      ['x-access-token', token],
      ['proxy-authorization', `Bearer ${token}`],
      ['authorization', token],
      ['authorization', `Basic ${Buffer.from(`anna:${token}`).toString('base64')}`],
      ['authorization', `Token ${token}`],
    ];
    for (const header of elsewhere)
      expect([...header, await get('/api/v2/users/me', Object.fromEntries([header]))]).toEqual([
        ...header,
        401,
      ]);
    const { status } = await app.request('POST', 'posts', undefined, {
      content: 'x',
      token,
      access_token: token,
    });
    expect(status).toBe(401);
  });

  it('in the address or a cookie of a handshake, or not a text', async () => {
    const { token } = anna;
    await isTurnedAway(undefined, { query: { token } });
    await isTurnedAway(undefined, { extraHeaders: { cookie: `token=${token}` } });
    for (const odd of [[token], { token }, { 0: token, length: 1 }, true, 1, '', ' ', 'Bearer', 'Bearer '])
      await isTurnedAway(odd);
    // The given token counts, even if another place has a better one.
    await isTurnedAway('nonsense', { extraHeaders: { authorization: `Bearer ${token}` } });
  });
});

it('of a revoked session or a banned user is a bad token', async () => {
  const [dora, egor, guest] = await app.people('Дора', 'Егор', 'Гость');
  const chat = await app.chat(guest, anna);
  await app.request('POST', 'auth/logout', dora.token);
  await isTurnedAway(dora.token);
  await app.rows('UPDATE users SET banned_at = now() WHERE id = $1', [egor.id]);
  await isTurnedAway(egor.token);
  // Or of a session that is revoked between the handshake and the connection.
  const admin = await DatabaseSession.at(app.databaseUrl);
  await admin.query('BEGIN');
  await admin.query('UPDATE sessions SET revoked_at = now() WHERE user_id = $1', [guest.id]);
  const device = app.keep(Device.open(app.url, guest.token));
  const received = device.next('error');
  device.socket.emit('chat:message:send', text(chat, 'late'));
  await admin.somebodyWaits();
  await admin.query('COMMIT');
  await admin.end();
  expect(await received).toMatchObject({ code: 'UNAUTHORIZED' });
  expect(await app.rows(`SELECT FROM messages WHERE content = 'late'`)).toEqual([]);
});

describe('the reason of a refusal', () => {
  const over = (account: Account) =>
    made(HS256, { ...claimsOf(account), exp: Math.floor(Date.now() / 1000) - 1 });
  const signOut = (account: Account) => app.request('POST', 'auth/logout', account.token);
  const ban = ({ id }: Account) => app.rows('UPDATE users SET banned_at = now() WHERE id = $1', [id]);

  it.each<[string, string, (account: Account) => unknown, (account: Account) => string]>([
    ['an expired token', 'token_expired', () => undefined, over],
    ['a forged token', 'token_invalid', () => undefined, () => 'nonsense'],
    ['a signed-out session', 'session_revoked', signOut, ({ token }) => token],
    ['a banned account', 'account_banned', ban, ({ token }) => token],
  ])('for %s is %s: REST, handshake, auth:refresh, assistant', async (_, reason, change, tokenOf) => {
    const account = await app.register('Фёдор');
    const device = await app.device(account);
    await change(account);
    const token = tokenOf(account);
    const refusal = { code: 'UNAUTHORIZED', message: 'Invalid token', reason };
    expect((await app.request('GET', 'users/me', token)).body).toMatchObject(refusal);
    const handshake = app.keep(Device.open(app.url, token));
    expect(await handshake.next('error')).toMatchObject(refusal);
    if (device.socket.connected) expect(await device.send('auth:refresh', { token })).toMatchObject(refusal);
    const assistant = await app.assistant();
    expect(await assistant.ask('join_chat', { token }, 'error')).toMatchObject({ reason });
  });

  it('is the right one for each of many concurrent clients', async () => {
    const people = await app.people('Ада', 'Боб', 'Вик');
    await Promise.all([signOut(people[0]), ban(people[1])]);
    const reasons = people.map(async ({ token }) => {
      const device = app.keep(Device.open(app.url, token));
      const error = device.next('error').then(({ reason }) => reason);
      return Promise.race([error, device.next('connected').then(() => 'let in')]);
    });
    expect(await Promise.all(reasons)).toEqual(['session_revoked', 'account_banned', 'let in']);
  });

  it('on a live connection comes with "Invalid token" when the token expires', async () => {
    const account = await app.register('Зоя');
    const exp = Math.ceil(Date.now() / 1000) + 1;
    const token = made(HS256, { ...claimsOf(account), exp });
    const device = app.keep(await Device.connect(app.url, token));
    expect(await device.next('error')).toMatchObject({ message: 'Invalid token', reason: 'token_expired' });
  });

  it('on a live connection differs for a sign-out and a ban, with its own message', async () => {
    const [one, other, admin] = await app.people('Ира', 'Лев', 'Админ');
    await app.rows(`UPDATE users SET role = 'admin' WHERE id = $1`, [admin.id]);
    const [oneDevice, otherDevice] = await app.devices(one, other);
    await signOut(one);
    expect(await oneDevice.next('error')).toMatchObject({
      message: 'Session revoked',
      reason: 'session_revoked',
    });
    await app.request('POST', `admin/users/${other.id}/ban`, admin.token);
    expect(await otherDevice.next('error')).toMatchObject({
      message: 'This account is banned',
      reason: 'account_banned',
    });
    const refresh = ({ refreshToken }: Account) =>
      app.request('POST', 'auth/refresh', undefined, { refresh_token: refreshToken });
    expect((await refresh(one)).body).toMatchObject({ reason: 'session_revoked' });
    expect((await refresh(other)).body).toMatchObject({ reason: 'account_banned' });
    const login = { email: other.email, password: 'correct horse battery' };
    expect((await app.request('POST', 'auth/login', undefined, login)).body).toMatchObject({
      reason: 'account_banned',
    });
    const wrong = { ...login, password: 'wrong horse' };
    expect((await app.request('POST', 'auth/login', undefined, wrong)).body).toMatchObject({
      reason: 'wrong_credentials',
    });
  });
});
