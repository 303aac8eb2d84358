import { newId } from '#platform';
import { DatabaseSession, until } from '#testing';
import { AppError } from '#contracts';
import { codeOf, device, PASSWORD, startIdentity, type Identity } from '../test-identity.js';
import { Passwords } from '../sessions/passwords.js';
import { Login } from './login.command.js';

let identity: Identity;
beforeAll(async () => (identity = await startIdentity()));
afterAll(() => identity.stop());

const login = (email: string, password: string) =>
  identity.commands.execute(new Login({ email, password }, device));

it('opens a separate session', async () => {
  const { user, access_token } = await identity.register();
  const answer = await login(user.email, PASSWORD);
  const [first, second] = await Promise.all(
    [access_token, answer.access_token].map((token) => identity.authenticate(token)),
  );
  expect(second!.userId).toBe(user.id);
  expect(second!.sessionId).not.toBe(first!.sessionId);
});

it('accepts the same password however the keyboard composes its letters', async () => {
  const { user } = await identity.register();
  const { hashPassword } = await import('../sessions/passwords.js');
  const passwordHash = await hashPassword('й'.normalize('NFC') + 'пароль-1');
  await identity.prisma.user.update({ where: { id: user.id }, data: { passwordHash } });
  expect(await codeOf(login(user.email, 'й'.normalize('NFD') + 'пароль-1'))).toBe('no error');
});

it('does not reveal whether an account exists', async () => {
  const { user } = await identity.register();
  const refusal = (email: string) => login(email, 'wrong password').catch((error: AppError) => error);
  const [known, unknown] = [await refusal(user.email), await refusal('nobody@example.org')];
  expect(known).toMatchObject({ code: 'UNAUTHORIZED' });
  expect(unknown).toMatchObject({ code: 'UNAUTHORIZED', message: (known as AppError).message });
});

it('takes as long for an unknown account', async () => {
  const { user } = await identity.register();
  const time = async (email: string) => {
    const started = performance.now();
    await codeOf(login(email, 'wrong password'));
    return performance.now() - started;
  };
  // Alternately, and the fastest of each, so that other load affects both.
  const known = [];
  const unknown = [];
  for (let i = 0; i < 15; i++) {
    known.push(await time(user.email));
    unknown.push(await time('nobody@example.org'));
  }
  expect(Math.min(...unknown)).toBeGreaterThan(Math.min(...known) / 2);
});

it('opens no session with a password that changed during its verification', async () => {
  const { user } = await identity.register();
  const verify = jest.spyOn(Passwords.prototype, 'verify').mockImplementationOnce(async () => {
    await identity.prisma.user.update({ where: { id: user.id }, data: { passwordHash: 'another' } });
    return true;
  });
  expect(await codeOf(login(user.email, PASSWORD))).toBe('UNAUTHORIZED');
  verify.mockRestore();
});

it('refuses a banned user', async () => {
  const { user } = await identity.register();
  await identity.prisma.user.update({ where: { id: user.id }, data: { bannedAt: new Date() } });
  expect(await codeOf(login(user.email, PASSWORD))).toBe('UNAUTHORIZED');
});

describe('password guesses', () => {
  const RATE = 2;
  let limited: Identity;
  beforeAll(async () => (limited = await startIdentity({ SIGN_IN_RATE: String(RATE) })));
  afterAll(() => limited.stop());

  const attempt = (email: string, ip: string, password = 'wrong') =>
    codeOf(limited.commands.execute(new Login({ email, password }, { ...device, ip })));
  const all = async (attempts: Promise<string>[]) => {
    const codes = await Promise.all(attempts);
    return (code: string) => codes.filter((one) => one === code).length;
  };
  const range = (length: number) => Array.from({ length }, (_, i) => i);

  it('for one account are limited over all networks; its owner can sign in from a known network', async () => {
    const { user } = await limited.register();
    expect(await attempt(user.email, '2001:db8:7::1', PASSWORD)).toBe('no error');
    const guesses = await all(range(60).map((i) => attempt(user.email, `198.51.100.${i}`)));
    expect([guesses('UNAUTHORIZED'), guesses('RATE_LIMIT')]).toEqual([2 * RATE, 60 - 2 * RATE]);
    expect(await attempt(user.email, device.ip, PASSWORD)).toBe('no error');
    // An IPv6 address changes within its network.
    expect(await attempt(user.email, '2001:db8:7::2', PASSWORD)).toBe('no error');
    expect(await attempt(user.email, '198.51.100.200', PASSWORD)).toBe('RATE_LIMIT');
    // Guesses from the known network are limited there.
    const atHome = await all(range(9).map(() => attempt(user.email, device.ip)));
    expect([atHome('UNAUTHORIZED'), atHome('RATE_LIMIT')]).toEqual([RATE - 1, 9 - RATE + 1]);
  });

  it('from one network are limited over all accounts; others of it can sign in', async () => {
    const { user } = await limited.register();
    const network = device.ip;
    const guesses = await all(range(60).map((i) => attempt(`nobody${i}@example.org`, network)));
    expect([guesses('UNAUTHORIZED'), guesses('RATE_LIMIT')]).toEqual([6 * RATE, 60 - 6 * RATE]);
    expect(await attempt(user.email, network, PASSWORD)).toBe('no error');
    const neighbours = await all(range(60).map((i) => attempt(`nobody${i}@example.org`, `2001:db8::${i}`)));
    expect(neighbours('UNAUTHORIZED')).toBe(6 * RATE);
  });

  it('do not include the right password: a whole office may sign in', async () => {
    const people = [];
    for (let i = 0; i < 8 * RATE; i++) people.push(await limited.register());
    for (const { user } of people)
      expect(await attempt(user.email, '203.0.113.9', PASSWORD)).toBe('no error');
    // And one person from as many networks.
    for (const i of range(3 * RATE))
      expect(await attempt(people[0]!.user.email, `192.0.2.${i}`, PASSWORD)).toBe('no error');
  });
});

describe('a user with 50 sessions', () => {
  const sessionsOf = (userId: string) =>
    identity.prisma.session.findMany({
      where: { userId, revokedAt: null },
      select: { id: true },
      orderBy: { refreshedAt: 'desc' },
    });
  const withFifty = async () => {
    const { user } = await identity.register();
    const refreshedAt = (i: number) => new Date(Date.now() - (i + 1) * 60_000);
    await identity.prisma.session.createMany({
      data: Array.from({ length: 49 }, (_, i) => ({
        id: newId(),
        userId: user.id,
        refreshedAt: refreshedAt(i),
        expiresAt: new Date(Date.now() + 3600_000),
      })),
    });
    return user;
  };

  it('can sign in again, which signs out the least recently used device', async () => {
    const user = await withFifty();
    const before = await sessionsOf(user.id);
    const oldest = before.at(-1)!.id;
    identity.signedOut.length = 0;
    await login(user.email, PASSWORD);
    const after = await sessionsOf(user.id);
    expect(after).toHaveLength(50);
    expect(before.filter(({ id }) => !after.some((left) => left.id === id))).toEqual([{ id: oldest }]);
    expect(identity.signedOut).toMatchObject([[{ sessionId: oldest }, { reason: 'session_revoked' }]]);
  });

  it('has no more of them after concurrent sign-ins', async () => {
    const user = await withFifty();
    const databaseSession = await DatabaseSession.at(identity.databaseUrl);
    await databaseSession.query('BEGIN');
    await databaseSession.query('SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE', [user.id]);
    const signIns = Array.from({ length: 3 }, () => login(user.email, PASSWORD));
    await until('all of them wait', async () => (await databaseSession.waiters()) === signIns.length);
    await databaseSession.end();
    await Promise.all(signIns);
    expect(await sessionsOf(user.id)).toHaveLength(50);
  });
});
