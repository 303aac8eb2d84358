import { AppError } from '#contracts';
import { codeOf, device, PASSWORD, startIdentity, type Identity } from '../test-identity.js';
import { Login } from './login.command.js';
import { Register } from './register.command.js';

let identity: Identity;
beforeAll(async () => (identity = await startIdentity()));
afterAll(() => identity.stop());

it('makes the account and opens its session', async () => {
  const account = {
    email: 'anna@example.org',
    name: 'Анна Иванова',
    password: PASSWORD,
    avatar: 'https://example.org/a.png',
  };
  const answer = await identity.commands.execute(new Register(account, device));
  expect(answer.user).toEqual({
    id: expect.any(String),
    name: 'Анна Иванова',
    handle: 'anna_ivanova',
    avatar: 'https://example.org/a.png',
    is_master: false,
    last_seen: null,
    email: 'anna@example.org',
    role: 'user',
    locale: 'ru',
  });
  const { userId, sessionId, expiresAt } = await identity.authenticator.authenticate(answer.access_token);
  expect(userId).toBe(answer.user.id);
  expect(answer.expires_at).toBe(expiresAt.toISOString());
  const session = await identity.prisma.session.findUniqueOrThrow({ where: { id: sessionId } });
  expect(session).toMatchObject(device);
  const days = (session.expiresAt.getTime() - Date.now()) / 86_400_000;
  expect(Math.round(days)).toBe(30);
});

it('keeps the password as an Argon2id hash of 19 MiB', async () => {
  const { user } = await identity.register();
  const { passwordHash } = await identity.prisma.user.findUniqueOrThrow({ where: { id: user.id } });
  expect(passwordHash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
});

it('gives an e-mail to one of twenty who ask for it at once', async () => {
  const codes = await Promise.all(
    Array.from({ length: 20 }, (_, i) => codeOf(identity.register(`Racer ${i}`, 'race@example.org'))),
  );
  expect(codes.sort()).toEqual([...Array<string>(19).fill('CONFLICT'), 'no error'].sort());
});

it('gives everybody of one name a handle of their own', async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => identity.register('Борис')));
  const handles = answers.map(({ user }) => user.handle);
  expect(new Set(handles).size).toBe(10);
  expect(handles).toContain('boris');
  for (const handle of handles) expect(handle).toMatch(/^boris(_\d{6})?$/);
});

it('says of a taken e-mail CONFLICT also when the handle is taken too', async () => {
  await identity.register('Doppel', 'doppel@example.org');
  expect(await codeOf(identity.register('Doppel', 'doppel@example.org'))).toBe('CONFLICT');
});

it('counts registrations and sign-ins together, by address and account', async () => {
  const limited = await startIdentity({ SIGN_IN_RATE: '2' });
  const email = 'limited@example.org';
  const attempt = (ip: string, to = email) =>
    limited.commands.execute(new Login({ email: to, password: 'wrong' }, { ...device, ip }));
  await limited.register('Limited', email);
  expect(await codeOf(attempt(device.ip))).toBe('UNAUTHORIZED');
  const refusal = await attempt(device.ip).catch((error: AppError) => error);
  expect(refusal).toMatchObject({ code: 'RATE_LIMIT' });
  expect((refusal as AppError).retryAfterMs).toBeGreaterThan(50_000);
  expect((refusal as AppError).retryAfterMs).toBeLessThanOrEqual(60_000);
  expect(await codeOf(limited.register('Limited', email))).toBe('RATE_LIMIT');
  expect(await codeOf(attempt('192.0.2.2'))).toBe('UNAUTHORIZED');
  expect(await codeOf(attempt(device.ip, 'other@example.org'))).toBe('UNAUTHORIZED');
  await limited.stop();
});
