import { Device, PlainClient, type Account } from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeviceSignIn } from '../../apps/realtime/src/connections/device-sign-in.js';
import { useAdmins } from './admin-accounts.js';

const scene = useAdmins();
const { account, asAdmin, ban, bothWait, entries, isShutOut, login, me } = scene;

describe('a ban', () => {
  it('takes effect at once: devices are notified and disconnected, tokens are refused, sign-in fails', async () => {
    const anna = await scene.app.register('Анна');
    const tablet = (await login(anna)).body.access_token;
    const [phone, second] = [
      await scene.app.device(anna),
      scene.app.keep(await Device.connect(scene.app.url, tablet)),
    ];
    const older = PlainClient.open(`${scene.app.url}/chat-basic`, {
      auth: { token: anna.token },
      reconnection: false,
    });
    await new Promise<void>((resolve) => older.socket.once('connect', () => resolve()));
    const gone = new Promise((resolve) => older.socket.once('disconnect', resolve));
    const out = Promise.all([isShutOut(phone), isShutOut(second), gone]);
    const banned = await ban(anna, 'spam');
    expect(banned).toMatchObject({ id: anna.id, banned_at: expect.any(String) });
    await out;
    expect([await me(anna.token), await me(tablet), (await login(anna)).status]).toEqual([401, 401, 401]);
    const refreshed = await scene.app.request('POST', 'auth/refresh', undefined, {
      refresh_token: anna.refreshToken,
    });
    expect(refreshed.status).toBe(401);
    expect(
      await scene.app.rows('SELECT FROM sessions WHERE user_id = $1 AND revoked_at IS NULL', [anna.id]),
    ).toEqual([]);
    const hidden = await scene.app.request('GET', `users/${anna.id}`, scene.otherAdmin.token);
    expect(hidden.status).toBe(404);
    expect(await entries(anna)).toEqual([
      { admin_id: scene.admin.id, action: 'user_banned', details: { reason: 'spam' } },
    ]);
  });

  it('changes nothing when repeated, and an unbanned user has to sign in again', async () => {
    const boris = await scene.app.register('Борис');
    const first = await ban(boris);
    expect(await ban(boris, 'again')).toEqual(first);
    expect((await account(`POST /${boris.id}/unban`)).banned_at).toBeNull();
    expect((await account(`POST /${boris.id}/unban`)).banned_at).toBeNull();
    expect((await entries(boris)).map((entry) => (entry as { action: string }).action)).toEqual([
      'user_banned',
      'user_unbanned',
    ]);
    expect(await me(boris.token)).toBe(401);
    const again = await login(boris);
    expect([again.status, await me(again.body.access_token)]).toEqual([200, 200]);
    expect((await scene.app.request('GET', `users/${boris.id}`, scene.otherAdmin.token)).status).toBe(200);
  });

  it('is published again when repeated, in case the first publish was lost', async () => {
    const vera = await scene.app.register('Вера');
    const device = await scene.app.device(vera);
    await scene.app.rows('UPDATE users SET banned_at = now() WHERE id = $1', [vera.id]);
    const out = isShutOut(device);
    await ban(vera);
    await out;
  });

  it('is refused for an admin, for oneself and for an unknown user', async () => {
    for (const target of [scene.admin, scene.otherAdmin]) {
      const refused = await asAdmin(`POST /${target.id}/ban`);
      expect([refused.status, refused.body.code]).toEqual([409, 'CONFLICT']);
      expect([await me(target.token), await entries(target)]).toEqual([200, []]);
    }
    for (const route of [
      'POST /$/ban',
      'POST /$/unban',
      'PATCH /$',
      'GET /$',
      'GET /$/sessions',
      'DELETE /$/sessions',
    ]) {
      const unknown = await asAdmin(
        route.replace('$', crypto.randomUUID()),
        route.startsWith('PATCH') ? { role: 'user' } : undefined,
      );
      expect([route, unknown.status, unknown.body.code]).toEqual([route, 404, 'NOT_FOUND']);
      const noId = await asAdmin(
        route.replace('$', 'x'),
        route.startsWith('PATCH') ? { role: 'user' } : undefined,
      );
      expect([route, noId.status]).toEqual([route, 400]);
    }
  });
});

describe('a ban while a device or a sign-in arrives', () => {
  /** Runs `meanwhile` while the ban has ended the sessions but has not committed. */
  const banning = async (who: Account, meanwhile: () => Promise<void>) => {
    await scene.databaseSession.query('BEGIN');
    await scene.databaseSession.query('LOCK TABLE audit_entries IN EXCLUSIVE MODE');
    const banned = ban(who);
    await scene.databaseSession.somebodyWaits();
    await meanwhile();
    await scene.databaseSession.query('COMMIT');
    await banned;
  };

  it('disconnects a device that opens meanwhile', async () => {
    const dora = await scene.app.register('Дора');
    let device!: Device;
    await banning(dora, async () => {
      device = scene.app.keep(Device.open(scene.app.url, dora.token));
      await bothWait();
    });
    await isShutOut(device);
    expect(device.all('connected')).toEqual([]);
  });

  it('disconnects a device that was authenticated before it and accepted after it', async () => {
    const egor = await scene.app.register('Егор');
    const deviceSignIn = scene.app.app.get(DeviceSignIn);
    const { signIn } = DeviceSignIn.prototype;
    deviceSignIn.signIn = async (socket, protocols) => {
      const refusal = await signIn.call(deviceSignIn, socket, protocols);
      await ban(egor);
      return refusal;
    };
    const device = scene.app.keep(Device.open(scene.app.url, egor.token));
    await isShutOut(device).finally(() => (deviceSignIn.signIn = signIn.bind(deviceSignIn)));
    expect(device.all('connected')).toEqual([]);
  });

  it('notifies and disconnects a device that was admitted just before', async () => {
    const zoya = await scene.app.register('Зоя');
    await scene.databaseSession.query('BEGIN');
    await scene.databaseSession.query('SELECT FROM sessions WHERE user_id = $1 FOR UPDATE', [zoya.id]);
    const device = scene.app.keep(Device.open(scene.app.url, zoya.token));
    await scene.databaseSession.somebodyWaits();
    const banned = ban(zoya);
    await bothWait();
    await scene.databaseSession.query('COMMIT');
    await banned;
    await isShutOut(device);
  });

  it('leaves no device connected, whenever the device opened', async () => {
    for (let round = 0; round < 8; round++) {
      const who = await scene.app.register('Многие');
      const open = Array.from({ length: 4 }, (_, i) => i * round * 2).map(async (ms) => {
        await sleep(ms);
        return scene.app.keep(Device.open(scene.app.url, who.token));
      });
      await sleep(round * 4);
      await ban(who);
      for (const device of await Promise.all(open)) {
        await device.next('error', ({ code }) => code === 'UNAUTHORIZED');
        await device.disconnected();
      }
    }
  });

  it('opens no session for a sign-in that arrives meanwhile', async () => {
    const ilya = await scene.app.register('Илья');
    let signedIn!: ReturnType<typeof login>;
    await banning(ilya, async () => {
      signedIn = login(ilya);
      await bothWait();
    });
    expect((await signedIn).status).toBe(401);
    expect(
      await scene.app.rows('SELECT FROM sessions WHERE user_id = $1 AND revoked_at IS NULL', [ilya.id]),
    ).toEqual([]);
  });
});
