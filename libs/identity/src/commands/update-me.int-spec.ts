import { validated } from '#platform';
import { UpdateMeBody } from '#contracts';
import { codeOf, startIdentity, type Identity } from '../test-identity.js';
import { UpdateMe } from './update-me.command.js';

let identity: Identity;
beforeAll(async () => (identity = await startIdentity()));
afterAll(() => identity.stop());

const update = (userId: string, body: object) =>
  identity.commands.execute(new UpdateMe(userId, validated(UpdateMeBody, body)));

it('changes only the given fields', async () => {
  const { user } = await identity.register('Анна');
  expect(await update(user.id, { is_master: true, locale: 'en' })).toEqual({
    ...user,
    is_master: true,
    locale: 'en',
  });
  expect(await update(user.id, { name: ' Anna ', handle: 'ANNA_2', role: 'admin' })).toEqual({
    ...user,
    is_master: true,
    locale: 'en',
    name: 'Anna',
    handle: 'anna_2',
  });
  expect(await update(user.id, { is_master: false })).toMatchObject({ is_master: false });
});

it('removes the avatar with null; null elsewhere changes nothing', async () => {
  const { user } = await identity.register();
  await update(user.id, { avatar: 'https://example.org/a.png' });
  expect(await update(user.id, { name: null, handle: null, is_master: null, locale: null })).toEqual({
    ...user,
    avatar: 'https://example.org/a.png',
  });
  expect(await update(user.id, { avatar: null })).toEqual(user);
});

it('refuses a taken handle', async () => {
  const [anna, boris] = [await identity.register('Anna'), await identity.register('Boris')];
  expect(await codeOf(update(anna.user.id, { handle: boris.user.handle }))).toBe('CONFLICT');
});

it.each(['support', 'SYSTEM', 'moderator'])('refuses %s, a handle of the operator', async (handle) => {
  const { user } = await identity.register('Анна');
  expect(await codeOf(update(user.id, { handle }))).toBe('CONFLICT');
});

it('lets a user keep a handle of the operator that they have', async () => {
  const { user } = await identity.register('Анна');
  await identity.prisma.user.update({ where: { id: user.id }, data: { handle: 'official' } });
  expect(await update(user.id, { handle: 'official', name: 'Anna' })).toMatchObject({ handle: 'official' });
});

it.each([
  ['Анна\u200B Ива\u00ADнова\u2060', 'Анна Иванова'],
  ['Анна\u{E0041}\u{E007F}', 'Анна'],
  ['\uFEFF Анна \u200B', 'Анна'],
  [
    '🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F} Anna',
    '🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F} Anna',
  ],
  ['نام\u200Cها 👨\u200D👩', 'نام\u200Cها 👨\u200D👩'],
])('stores the name %j as %j', async (name, stored) => {
  const { user } = await identity.register('Анна');
  expect(await update(user.id, { name })).toMatchObject({ name: stored });
});
