import { AppError } from '#contracts';
import { codeOf, device, PASSWORD, startIdentity, type Identity } from '../test-identity.js';
import { Register } from './register.command.js';

let identity: Identity;
beforeAll(async () => (identity = await startIdentity()));
afterAll(() => identity.stop());

it('creates the account and opens its session', async () => {
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
    messages_from: 'everyone',
    groups_from: 'everyone',
  });
  const { userId, sessionId, expiresAt } = await identity.authenticate(answer.access_token);
  expect(userId).toBe(answer.user.id);
  expect(answer.expires_at).toBe(expiresAt.toISOString());
  const session = await identity.prisma.session.findUniqueOrThrow({ where: { id: sessionId } });
  expect(session).toMatchObject(device);
  const days = (session.expiresAt.getTime() - Date.now()) / 86_400_000;
  expect(Math.round(days)).toBe(30);
});

it('stores the password as an Argon2id hash of 19 MiB', async () => {
  const { user } = await identity.register();
  const { passwordHash } = await identity.prisma.user.findUniqueOrThrow({ where: { id: user.id } });
  expect(passwordHash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
});

it('gives an e-mail to one of sixteen concurrent requests', async () => {
  const codes = await Promise.all(
    Array.from({ length: 16 }, (_, i) => codeOf(identity.register(`Racer ${i}`, 'race@example.org'))),
  );
  expect(codes.sort()).toEqual([...Array<string>(15).fill('CONFLICT'), 'no error'].sort());
});

it('gives users of the same name different handles', async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => identity.register('Борис')));
  const handles = answers.map(({ user }) => user.handle);
  expect(new Set(handles).size).toBe(10);
  expect(handles).toContain('boris');
  for (const handle of handles) expect(handle).toMatch(/^boris(_\d{6})?$/);
});

it('answers CONFLICT for a taken e-mail, also when the handle is taken', async () => {
  await identity.register('Doppel', 'doppel@example.org');
  expect(await codeOf(identity.register('Doppel', 'doppel@example.org'))).toBe('CONFLICT');
});

it('limits new accounts per network', async () => {
  const limited = await startIdentity({ REGISTRATION_RATE: '2' });
  const register = (ip: string, email = `${crypto.randomUUID()}@example.org`) =>
    limited.commands.execute(new Register({ email, name: 'New', password: PASSWORD }, { ...device, ip }));
  expect(await codeOf(register('2001:db8::1', 'taken@example.org'))).toBe('no error');
  // The same delay, so that nobody learns quickly who has an account.
  expect(await codeOf(register('2001:db8::2', 'taken@example.org'))).toBe('CONFLICT');
  const refusal = await register('2001:db8::3').catch((error: AppError) => error);
  expect(refusal).toMatchObject({ code: 'RATE_LIMIT' });
  expect((refusal as AppError).retryAfterMs).toBeGreaterThan(3_500_000);
  expect(await codeOf(register('2001:db8:0:1::1'))).toBe('no error');
  await limited.stop();
});

it.each([
  '        ',
  '\u200B'.repeat(8),
  'Password',
  'PASSWORD1 ',
  'qwertyuiop',
  'zzzzzzzzzzzz',
  'anna-petrova@example.org',
  'Anna-Petrova',
])('refuses %j as a password', async (password) => {
  const account = { email: 'anna-petrova@example.org', name: 'Anna', password };
  const refusal = await identity.commands
    .execute(new Register(account, device))
    .catch((error: AppError) => error);
  expect(refusal).toMatchObject({ code: 'INVALID_DATA', details: [{ field: 'password' }] });
});
