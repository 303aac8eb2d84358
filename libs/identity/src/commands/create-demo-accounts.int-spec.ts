import { PASSWORD, codeOf, device, startIdentity, type Identity } from '../test-identity.js';
import { CreateDemoAccounts, type DemoAccount } from './create-demo-accounts.command.js';
import { Login } from './login.command.js';
import type { Device } from '../sessions/sessions.js';

let identity: Identity;
beforeEach(async () => (identity = await startIdentity()));
afterEach(() => identity.stop());

const create = (isOpenToOthers = false) => identity.commands.execute(new CreateDemoAccounts(isOpenToOthers));
const here = { ...device, isHere: true };
const signIn = (email: string, password: string, from: Device = here) =>
  codeOf(identity.commands.execute(new Login({ email, password }, from)));

it('creates its accounts once, however many start at once, and returns them each time', async () => {
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
  for (const { email, password } of all[0]) expect(await signIn(email, password!)).toBe('no error');
});

it('gives them random passwords where other machines reach the server, and returns them once', async () => {
  const first = await create(true);
  expect(new Set(first.map(({ password }) => password)).size).toBe(4);
  for (const { email, password } of first) {
    expect(await signIn(email, 'demo-password')).toBe('UNAUTHORIZED');
    expect(await signIn(email, password!)).toBe('no error');
  }
  const received = first.map(({ password: _, ...account }) => account);
  expect(await create(true)).toEqual(received);
  expect(await create()).toEqual(received);
});

it('replaces the known password of accounts that have it, and ends their sessions', async () => {
  const [{ id, email, password }] = (await create()) as [Required<DemoAccount>];
  await identity.commands.execute(new Login({ email, password }, here));
  const [{ password: newPassword }] = (await create(true)) as [Required<DemoAccount>];
  expect(await identity.prisma.session.count({ where: { userId: id, revokedAt: null } })).toBe(0);
  expect(await signIn(email, password)).toBe('UNAUTHORIZED');
  expect(await signIn(email, newPassword)).toBe('no error');
});

it('only this machine signs in to them by the known password, in each of its spellings', async () => {
  const [{ email }] = (await create()) as [DemoAccount];
  for (const password of ['demo-password', 'ｄｅｍｏ-password']) {
    expect(await signIn(email, password, device)).toBe('UNAUTHORIZED');
    expect(await signIn(email, password)).toBe('no error');
  }
  const { user } = await identity.register();
  const { email: other } = await identity.prisma.user.findUniqueOrThrow({ where: { id: user.id } });
  expect(await signIn(other, PASSWORD, device)).toBe('no error');
});

it('creates none in a database with users', async () => {
  await identity.register();
  expect(await create()).toEqual([]);
  expect(await identity.prisma.user.count()).toBe(1);
});
