import { AppError } from '#contracts';
import { codeOf, device, PASSWORD, startIdentity, type Identity } from '../test-identity.js';
import { Login } from './login.command.js';

let identity: Identity;
beforeAll(async () => (identity = await startIdentity()));
afterAll(() => identity.stop());

const login = (email: string, password: string) =>
  identity.commands.execute(new Login({ email, password }, device));

it('opens a session of its own', async () => {
  const { user, access_token } = await identity.register();
  const answer = await login(user.email, PASSWORD);
  const [first, second] = await Promise.all(
    [access_token, answer.access_token].map((token) => identity.authenticator.authenticate(token)),
  );
  expect(second!.userId).toBe(user.id);
  expect(second!.sessionId).not.toBe(first!.sessionId);
});

it('takes the same password however the keyboard composes its letters', async () => {
  const { user } = await identity.register();
  const { hashPassword } = await import('../passwords.js');
  const passwordHash = await hashPassword('й'.normalize('NFC') + 'пароль-1');
  await identity.prisma.user.update({ where: { id: user.id }, data: { passwordHash } });
  expect(await codeOf(login(user.email, 'й'.normalize('NFD') + 'пароль-1'))).toBe('no error');
});

it('does not tell whether there is such an account', async () => {
  const { user } = await identity.register();
  const refusal = (email: string) => login(email, 'wrong password').catch((error: AppError) => error);
  const [known, unknown] = [await refusal(user.email), await refusal('nobody@example.org')];
  expect(known).toMatchObject({ code: 'UNAUTHORIZED' });
  expect(unknown).toMatchObject({ code: 'UNAUTHORIZED', message: (known as AppError).message });
});

it('takes as long for an account that there is not', async () => {
  const { user } = await identity.register();
  const time = async (email: string) => {
    const started = performance.now();
    await codeOf(login(email, 'wrong password'));
    return performance.now() - started;
  };
  // In turns, and the fastest of each: whatever else the machine does slows both.
  const known = [];
  const unknown = [];
  for (let i = 0; i < 15; i++) {
    known.push(await time(user.email));
    unknown.push(await time('nobody@example.org'));
  }
  expect(Math.min(...unknown)).toBeGreaterThan(Math.min(...known) / 2);
});

it('refuses a banned user', async () => {
  const { user } = await identity.register();
  await identity.prisma.user.update({ where: { id: user.id }, data: { bannedAt: new Date() } });
  expect(await codeOf(login(user.email, PASSWORD))).toBe('UNAUTHORIZED');
});
