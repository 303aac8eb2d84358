import { RateLimits, networkOf } from '#platform';
import { codeOf, device, startIdentity, type Identity } from '../test-identity.js';
import { RefreshTokens } from './refresh-tokens.command.js';

let identity: Identity;
beforeAll(async () => (identity = await startIdentity()));
afterAll(() => identity.stop());

const refresh = (token: string) => identity.commands.execute(new RefreshTokens(token, device.ip));
const sessionOf = (token: string) => token.split('.')[0]!;
const row = (token: string) => identity.prisma.session.findUniqueOrThrow({ where: { id: sessionOf(token) } });
const change = (token: string, data: object) =>
  identity.prisma.session.update({ where: { id: sessionOf(token) }, data });
const MINUTE_AGO = () => new Date(Date.now() - 61_000);

const signIn = async () => (await identity.register()).refresh_token;

it('rotates, and extends the session to 30 days from now', async () => {
  const first = await signIn();
  await change(first, { expiresAt: new Date(Date.now() + 1000) });
  const { user, access_token, refresh_token: second } = await refresh(first);
  expect(second).not.toBe(first);
  expect(sessionOf(second)).toBe(sessionOf(first));
  const signedIn = await identity.authenticate(access_token);
  expect(signedIn).toMatchObject({ userId: user.id, sessionId: sessionOf(first) });
  const { expiresAt, refreshGeneration } = await row(first);
  expect(refreshGeneration).toBe(2);
  expect(Math.round((expiresAt.getTime() - Date.now()) / 86_400_000)).toBe(30);
  expect((await refresh(second)).refresh_token).not.toBe(second);
});

it('accepts the replaced token again for 60 s, without another rotation', async () => {
  const first = await signIn();
  const { refresh_token: second } = await refresh(first);
  expect((await refresh(first)).refresh_token).toBe(second);
  await change(first, { refreshedAt: new Date(Date.now() - 58_000) });
  expect((await refresh(first)).refresh_token).toBe(second);
  expect(await row(first)).toMatchObject({ refreshGeneration: 2, revokedAt: null });
});

it('gives concurrent refreshes the same new token', async () => {
  const first = await signIn();
  const answers = await Promise.all(Array.from({ length: 15 }, () => refresh(first)));
  expect(new Set(answers.map(({ refresh_token }) => refresh_token)).size).toBe(1);
  expect(await row(first)).toMatchObject({ refreshGeneration: 2, revokedAt: null });
});

it('treats a replaced token as stolen after 60 s', async () => {
  const first = await signIn();
  const { refresh_token: second, access_token } = await refresh(first);
  await change(first, { refreshedAt: MINUTE_AGO() });
  expect(await codeOf(refresh(first))).toBe('UNAUTHORIZED');
  expect((await row(first)).revokedAt).not.toBeNull();
  expect(identity.signedOut.at(-1)).toEqual([
    { sessionId: sessionOf(first) },
    expect.objectContaining({ code: 'UNAUTHORIZED', message: 'Session revoked' }),
  ]);
  expect(await codeOf(refresh(second))).toBe('UNAUTHORIZED');
  expect(await codeOf(identity.authenticate(access_token))).toBe('UNAUTHORIZED');
});

it('treats an older token as stolen at once', async () => {
  const first = await signIn();
  await refresh((await refresh(first)).refresh_token);
  expect(await codeOf(refresh(first))).toBe('UNAUTHORIZED');
  expect((await row(first)).revokedAt).not.toBeNull();
});

it('changes nothing for a forged token', async () => {
  const first = await signIn();
  await refresh((await refresh(first)).refresh_token);
  const before = await row(first);
  const received = identity.signedOut.length;
  const forged = first.replace(/.$/, (last) => (last === 'A' ? 'E' : 'A'));
  for (const token of [forged, 'nonsense', `${sessionOf(first)}.1.`])
    expect(await codeOf(refresh(token))).toBe('UNAUTHORIZED');
  expect(await row(first)).toEqual(before);
  expect(identity.signedOut).toHaveLength(received);
});

it.each([
  ['a revoked session', { revokedAt: new Date() }],
  ['an expired session', { expiresAt: new Date(Date.now() - 1000) }],
])('refuses %s, with the current token and the one just replaced', async (_, data) => {
  const first = await signIn();
  const { refresh_token: second } = await refresh(first);
  await change(first, data);
  expect(await codeOf(refresh(first))).toBe('UNAUTHORIZED');
  expect(await codeOf(refresh(second))).toBe('UNAUTHORIZED');
});

it('refuses a banned user, with the current token and the one just replaced', async () => {
  const { user, refresh_token: first } = await identity.register();
  const { refresh_token: second } = await refresh(first);
  await identity.prisma.user.update({ where: { id: user.id }, data: { bannedAt: new Date() } });
  expect(await codeOf(refresh(first))).toBe('UNAUTHORIZED');
  expect(await codeOf(refresh(second))).toBe('UNAUTHORIZED');
});

it('limits networks that send forged tokens', async () => {
  const limited = await startIdentity({ REST_WRITE_RATE: '2' });
  const shown = (ip: string) => codeOf(limited.commands.execute(new RefreshTokens('nonsense', ip)));
  const codes = await Promise.all(
    ['2001:db8::1', '2001:db8::2', '2001:db8::3', '2001:db8:0:1::1'].map(shown),
  );
  expect(codes).toEqual(['UNAUTHORIZED', 'UNAUTHORIZED', 'RATE_LIMIT', 'UNAUTHORIZED']);
  await limited.stop();
});

describe('the limits of well-signed tokens', () => {
  let limited: Identity;
  beforeAll(async () => (limited = await startIdentity({ REST_WRITE_RATE: '3' })));
  afterEach(() => jest.restoreAllMocks());
  afterAll(() => limited.stop());
  const show = (token: string, ip = '2001:db8::1') =>
    codeOf(limited.commands.execute(new RefreshTokens(token, ip)));
  const end = (token: string) =>
    limited.prisma.session.update({ where: { id: sessionOf(token) }, data: { revokedAt: new Date() } });

  it('count a token of an ended session as an invalid one of the network', async () => {
    const { refresh_token: token } = await limited.register();
    await end(token);
    const take = jest.spyOn(RateLimits.prototype, 'takeOf');
    expect(await show(token)).toBe('UNAUTHORIZED');
    expect(take.mock.calls).toEqual([['badRefresh', networkOf('2001:db8::1')]]);
  });

  it('count a token of a live session as a write of its user', async () => {
    const { user, refresh_token: token } = await limited.register();
    const take = jest.spyOn(RateLimits.prototype, 'take');
    const takeOf = jest.spyOn(RateLimits.prototype, 'takeOf');
    expect(await show(token)).toBe('no error');
    expect(take.mock.calls).toEqual([
      ['refresh', sessionOf(token)],
      ['restWrite', user.id],
    ]);
    expect(takeOf).not.toHaveBeenCalled();
  });

  it('refuse a session with too many refreshes before its look-up', async () => {
    const { refresh_token: token } = await limited.register();
    await end(token);
    const lookUp = jest.spyOn(RateLimits.prototype, 'takeOf');
    for (let i = 0; i < 6; i++) await show(token, `2001:db8:${i}::1`);
    expect(lookUp).toHaveBeenCalledTimes(3);
    expect(await show(token)).toBe('RATE_LIMIT');
  });

  it('run one refresh of a session at once', async () => {
    const { refresh_token: token } = await limited.register();
    let running = 0;
    let most = 0;
    const take = RateLimits.prototype.take;
    jest.spyOn(RateLimits.prototype, 'take').mockImplementation(async function (this: RateLimits, ...asked) {
      if (asked[0] === 'refresh') return take.apply(this, asked);
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 50));
      running -= 1;
    });
    expect(await Promise.all([show(token), show(token), show(token)])).toEqual(Array(3).fill('no error'));
    expect(most).toBe(1);
  });
});
