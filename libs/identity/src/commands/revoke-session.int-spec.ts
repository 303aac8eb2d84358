import { codeOf, startIdentity, type Identity } from '../test-identity.js';
import { RevokeSession } from './revoke-session.command.js';

let identity: Identity;
beforeAll(async () => (identity = await startIdentity()));
afterAll(() => identity.stop());

const signIn = async () => {
  const { access_token: token } = await identity.register();
  return { token, ...(await identity.authenticate(token)) };
};
const revoke = (userId: string, sessionId: string) =>
  identity.commands.execute(new RevokeSession(userId, sessionId));

it('signs the session and its sockets out', async () => {
  const { userId, sessionId, token } = await signIn();
  await revoke(userId, sessionId);
  expect(await codeOf(identity.authenticate(token))).toBe('UNAUTHORIZED');
  expect(identity.signedOut).toEqual([
    [{ sessionId }, expect.objectContaining({ code: 'UNAUTHORIZED', message: 'Session revoked' })],
  ]);
});

it('does not find a session of another user, nor one that was revoked', async () => {
  const [anna, boris] = [await signIn(), await signIn()];
  const received = identity.signedOut.length;
  expect(await codeOf(revoke(anna.userId, boris.sessionId))).toBe('NOT_FOUND');
  expect(await codeOf(identity.authenticate(boris.token))).toBe('no error');
  expect(identity.signedOut).toHaveLength(received);
  await revoke(boris.userId, boris.sessionId);
  expect(await codeOf(revoke(boris.userId, boris.sessionId))).toBe('NOT_FOUND');
});
