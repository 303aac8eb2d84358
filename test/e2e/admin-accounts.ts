import { AccountDto, type AuthAnswer } from '#contracts';
import { Bystander, contractErrors, TestApp, type Account, type Device } from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';

export let app: TestApp;
export let admin: Account;
/** Another admin. */
export let other: Account;
export let bystander: Bystander;

/** Starts one app with two admins for a whole test file. */
export function setScene(): void {
  beforeAll(async () => {
    app = await TestApp.start();
    [admin, other] = await app.people('Админ', 'Другой Админ');
    await app.rows(`UPDATE users SET role = 'admin' WHERE id = ANY($1)`, [[admin.id, other.id]]);
    bystander = await Bystander.at(app.databaseUrl);
  });
  afterAll(async () => {
    await bystander.end();
    await app.stop();
  });
}

export const asAdmin = <T = object>(route: string, body?: object, who = admin) => {
  const [method, path] = route.split(' ') as [string, string];
  return app.request<T>(method, `admin/users${path}`, who.token, body);
};
export const account = async (route: string, body?: object) => {
  const reply = await asAdmin<AccountDto>(route, body);
  expect([route, reply.status, contractErrors(AccountDto, reply.body)]).toEqual([route, 200, []]);
  return reply.body;
};
export const ban = (who: Account, reason?: string) =>
  account(`POST /${who.id}/ban`, reason ? { reason } : undefined);
export const login = ({ email }: Account) =>
  app.request<AuthAnswer>('POST', 'auth/login', undefined, { email, password: 'correct horse battery' });
export const me = async (token: string) => (await app.request('GET', 'users/me', token)).status;
export const entries = (about: Account) =>
  app.rows('SELECT admin_id, action, details FROM audit_entries WHERE target_id = $1 ORDER BY id', [
    about.id,
  ]);
export const isShutOut = async (device: Device) => {
  const since = Date.now();
  expect(await device.next('error')).toMatchObject({ code: 'UNAUTHORIZED' });
  await device.disconnected();
  expect(Date.now() - since).toBeLessThan(1000);
};
export const bothWait = async () => {
  while ((await bystander.waiters()) < 2) await sleep(10);
};
