import { newId } from '#platform';
import { startIdentity, type Identity } from '../test-identity.js';
import { PurgeSessions } from './purge-sessions.command.js';

let identity: Identity;
beforeAll(async () => (identity = await startIdentity()));
afterAll(() => identity.stop());

const DAY = 24 * 3600 * 1000;
const daysFromNow = (days: number) => new Date(Date.now() + days * DAY);

it('deletes sessions that expired or were revoked more than 30 days ago, in batches', async () => {
  const { user } = await identity.register();
  const session = (expiresIn: number, revoked?: number) => ({
    id: newId(),
    userId: user.id,
    expiresAt: daysFromNow(expiresIn),
    revokedAt: revoked === undefined ? null : daysFromNow(revoked),
  });
  const kept = [session(10), session(-29), session(10, -29), session(-29, -29)];
  const old = [session(-31), session(10, -31), ...Array.from({ length: 2300 }, () => session(-40))];
  await identity.prisma.session.createMany({ data: [...old, ...kept] });
  // Two concurrent workers share the work.
  const counts = await Promise.all([1, 2].map(() => identity.commands.execute(new PurgeSessions())));
  expect(counts[0]! + counts[1]!).toBe(2302);
  const left = await identity.prisma.session.findMany({ select: { id: true } });
  expect(left.map(({ id }) => id)).toEqual(expect.arrayContaining(kept.map(({ id }) => id)));
  expect(left).toHaveLength(kept.length + 1);
});
