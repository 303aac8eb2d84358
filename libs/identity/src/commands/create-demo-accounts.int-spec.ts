import { codeOf, device, startIdentity, type Identity } from '../test-identity.js';
import { CreateDemoAccounts } from './create-demo-accounts.command.js';
import { Login } from './login.command.js';

let identity: Identity;
beforeEach(async () => (identity = await startIdentity()));
afterEach(() => identity.stop());

const create = () => identity.commands.execute(new CreateDemoAccounts());

it('makes its accounts once, however many start at once, and tells them each time', async () => {
  const all = await Promise.all([create(), create(), create(), create()]);
  expect(all[0].map(({ email, name, role }) => [email, name, role])).toEqual([
    ['anna@example.com', 'Анна Иванова', 'user'],
    ['boris@example.com', 'Борис', 'user'],
    ['vera@example.com', 'Вера Соколова', 'user'],
    ['admin@example.com', 'Админ', 'admin'],
  ]);
  for (const accounts of [...all, await create()]) expect(accounts).toEqual(all[0]);
  expect(await identity.prisma.user.count()).toBe(4);
  expect(await identity.prisma.user.count({ where: { isMaster: true } })).toBe(2);
  // The limits of an account's first day are over.
  const yesterday = new Date(Date.now() - 24 * 3600_000);
  expect(await identity.prisma.user.count({ where: { createdAt: { lt: yesterday } } })).toBe(4);
  for (const { email, password } of all[0])
    expect(await codeOf(identity.commands.execute(new Login({ email, password }, device)))).toBe('no error');
});

it('makes none where there are users', async () => {
  await identity.register();
  expect(await create()).toEqual([]);
  expect(await identity.prisma.user.count()).toBe(1);
});
