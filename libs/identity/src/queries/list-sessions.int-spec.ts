import { encodeCursor } from '#platform';
import { Login } from '../commands/login.command.js';
import { codeOf, device, PASSWORD, startIdentity, type Identity } from '../test-identity.js';
import { ListSessions } from './list-sessions.query.js';

let identity: Identity;
beforeAll(async () => (identity = await startIdentity()));
afterAll(() => identity.stop());

it("pages through the user's live sessions, newest first, and marks the current one", async () => {
  const { user, access_token } = await identity.register();
  await identity.register();
  const { userId, sessionId } = await identity.authenticate(access_token);
  const opened = [sessionId];
  for (const name of ['Tablet', 'Laptop', 'Lost', 'Old']) {
    const login = new Login({ email: user.email, password: PASSWORD }, { ...device, device: name });
    const answer = await identity.commands.execute(login);
    opened.push((await identity.authenticate(answer.access_token)).sessionId);
  }
  await identity.prisma.session.update({ where: { id: opened[3] }, data: { revokedAt: new Date() } });
  await identity.prisma.session.update({ where: { id: opened[4] }, data: { expiresAt: new Date() } });

  const first = await identity.queries.execute(new ListSessions(userId, sessionId, 2));
  expect(first.items.map(({ device }) => device)).toEqual(['Laptop', 'Tablet']);
  const rest = await identity.queries.execute(new ListSessions(userId, sessionId, 2, first.next_cursor!));
  expect(rest).toEqual({
    items: [
      {
        id: sessionId,
        device: 'Pixel 9',
        user_agent: 'Dart/3',
        ip: '192.0.2.1',
        created_at: expect.any(String),
        last_used_at: expect.any(String),
        expires_at: expect.any(String),
        current: true,
      },
    ],
    next_cursor: null,
  });
  expect(first.items.every(({ current }) => !current)).toBe(true);
  for (const cursor of ['x', encodeCursor(['no-id'])])
    expect(await codeOf(identity.queries.execute(new ListSessions(userId, sessionId, 2, cursor)))).toBe(
      'INVALID_DATA',
    );
});
