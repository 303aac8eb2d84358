import { validated } from '#platform';
import { UpdateMeBody } from '#contracts';
import { codeOf, startIdentity, type Identity } from '../test-identity.js';
import { UpdateMe } from './update-me.command.js';

let identity: Identity;
beforeAll(async () => (identity = await startIdentity()));
afterAll(() => identity.stop());

const update = (userId: string, body: object) =>
  identity.commands.execute(new UpdateMe(userId, validated(UpdateMeBody, body)));

it('changes what is given and nothing else', async () => {
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

it('refuses a handle that somebody has', async () => {
  const [anna, boris] = [await identity.register('Anna'), await identity.register('Boris')];
  expect(await codeOf(update(anna.user.id, { handle: boris.user.handle }))).toBe('CONFLICT');
});
