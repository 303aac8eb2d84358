import { loadConfig, Metrics, PgPool, PrismaService, toAppError } from '#platform';
import { setTimeout as sleep } from 'node:timers/promises';
import { issueAccessToken } from './access-token.js';
import { Authenticator, type SignedIn } from './authenticator.js';
import { codeOf, KEY, startIdentity, type Identity } from '../test-identity.js';

let identity: Identity;
beforeAll(async () => (identity = await startIdentity()));
afterAll(() => identity.stop());

async function signIn() {
  const { user, access_token: token } = await identity.register('Анна');
  const signedIn = await identity.authenticate(token);
  return { user, token, signedIn };
}

it('returns the signed-in user, with and without the Bearer prefix', async () => {
  const { user, token, signedIn } = await signIn();
  expect(signedIn).toEqual({
    userId: user.id,
    sessionId: expect.any(String),
    tokenId: expect.any(String),
    expiresAt: expect.any(Date),
    name: 'Анна',
    role: 'user',
    locale: 'ru',
  });
  const minutes = (signedIn.expiresAt.getTime() - Date.now()) / 60_000;
  expect(minutes).toBeGreaterThan(14.9);
  expect(minutes).toBeLessThanOrEqual(15.1);
  expect(await identity.authenticate(`Bearer ${token}`)).toEqual(signedIn);
});

it.each([
  ['a revoked session', { session: { revokedAt: new Date() } }],
  ['an expired session', { session: { expiresAt: new Date(Date.now() - 1000) } }],
  ['a banned user', { user: { bannedAt: new Date() } }],
])('refuses %s', async (_, change: { session?: object; user?: object }) => {
  const { token, signedIn } = await signIn();
  await identity.prisma.session.update({ where: { id: signedIn.sessionId }, data: change.session ?? {} });
  await identity.prisma.user.update({ where: { id: signedIn.userId }, data: change.user ?? {} });
  expect(await codeOf(identity.authenticate(token))).toBe('UNAUTHORIZED');
});

it("refuses another user's session", async () => {
  const [anna, boris] = [await signIn(), await signIn()];
  const { token } = issueAccessToken(KEY, anna.signedIn.userId, boris.signedIn.sessionId);
  expect(await codeOf(identity.authenticate(token))).toBe('UNAUTHORIZED');
});

it('does not mistake an unavailable database for a bad token', async () => {
  const { token } = await signIn();
  const config = loadConfig({ DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none', JWT_SECRET: KEY });
  const pool = new PgPool(config);
  const authenticator = new Authenticator(config, new PrismaService(pool), pool, new Metrics());
  const asked = [
    async () => authenticator.stillSignedIn(authenticator.verify(token)),
    () => authenticator.connected(authenticator.verify(token)),
  ];
  for (const ask of asked) {
    const error: unknown = await ask().catch((thrown: unknown) => thrown);
    expect(toAppError(error).code).toBe('UNAVAILABLE');
  }
  await pool.end();
});

describe('connecting', () => {
  const withToken = (signedIn: SignedIn) => ({ ...signedIn, tokenId: crypto.randomUUID() });

  const reasonOf = async (who: SignedIn) => (await identity.authenticator.connected(who)).reason;

  it('distinguishes a new session, a reconnection and a token refresh', async () => {
    const { signedIn } = await signIn();
    const refreshed = withToken(signedIn);
    const reasons = [];
    for (const who of [signedIn, signedIn, refreshed, refreshed, signedIn]) reasons.push(await reasonOf(who));
    expect(reasons).toEqual([
      'connection_established',
      'reconnection',
      'token_refresh',
      'reconnection',
      'token_refresh',
    ]);
  });

  it('calls exactly one of many concurrent connections the first', async () => {
    const { signedIn } = await signIn();
    // They all start before any of them may touch the row.
    const reasons = await identity.prisma.$transaction(async (tx) => {
      await tx.$executeRaw`SELECT id FROM sessions WHERE id = ${signedIn.sessionId}::uuid FOR UPDATE`;
      const connecting = Array.from({ length: 5 }, () => reasonOf(signedIn));
      await sleep(300);
      return connecting;
    });
    expect((await Promise.all(reasons)).sort()).toEqual([
      'connection_established',
      ...Array<string>(4).fill('reconnection'),
    ]);
  });

  it('counts each of many concurrent tokens as a refresh', async () => {
    const { signedIn } = await signIn();
    await identity.authenticator.connected(signedIn);
    const reasons = await Promise.all(Array.from({ length: 15 }, () => reasonOf(withToken(signedIn))));
    expect(new Set(reasons)).toEqual(new Set(['token_refresh']));
  });

  it('identifies each of many concurrent clients, and refuses only those without access', async () => {
    const { authenticator, prisma } = identity;
    const manyPeople = await Promise.all(Array.from({ length: 8 }, () => signIn()));
    const ids = manyPeople.map(({ signedIn }) => ({ id: signedIn.sessionId }));
    const userId = manyPeople[2]!.signedIn.userId;
    await prisma.session.update({ where: ids[0]!, data: { revokedAt: new Date() } });
    await prisma.session.update({ where: ids[1]!, data: { expiresAt: new Date(Date.now() - 1000) } });
    await prisma.user.update({ where: { id: userId }, data: { bannedAt: new Date() } });
    // Both exist, but not together.
    const { token } = issueAccessToken(
      KEY,
      manyPeople[3]!.signedIn.userId,
      manyPeople[4]!.signedIn.sessionId,
    );
    const received = await Promise.allSettled(
      [token, ...manyPeople.map((one) => one.token), token].map((one) =>
        authenticator.connected(authenticator.verify(one)),
      ),
    );
    expect(received.map(({ status }) => status)).toEqual([
      ...Array<string>(4).fill('rejected'),
      ...Array<string>(5).fill('fulfilled'),
      'rejected',
    ]);
    expect(received.slice(4, 9)).toEqual(
      manyPeople.slice(3).map(({ signedIn: user }) => ({
        status: 'fulfilled',
        value: { user, reason: 'connection_established' },
      })),
    );
    const last = await prisma.session.findMany({ where: { OR: ids }, orderBy: { id: 'asc' } });
    const stored = new Map(last.map((session) => [session.id, session.connectedTokenId]));
    expect(ids.map(({ id }) => stored.get(id))).toEqual([
      null,
      null,
      null,
      ...manyPeople.slice(3).map(({ signedIn }) => signedIn.tokenId),
    ]);
  });
});
