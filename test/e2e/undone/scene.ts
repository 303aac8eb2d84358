import type { NotificationPage, PostDto, SyncAnswer } from '#contracts';
import { TestApp, type Account, type Device } from '#testing';

export let app: TestApp;
export let admin: Account;
export let anna: Account;
export let boris: Account;
export let vera: Account;
/** Anna's device. */
export let annaDevice: Device;

/** Starts one app with an admin for a whole test file, and three people for each test. */
export function setScene(): void {
  beforeAll(async () => {
    app = await TestApp.start();
    [admin] = await app.people('Админ');
    await app.rows(`UPDATE users SET role = 'admin' WHERE id = $1`, [admin.id]);
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    [anna, boris, vera] = await app.people('Анна', 'Борис', 'Вера');
    [annaDevice] = await app.devices(anna);
  });
}

export const ask = async <T = { id: string }>(who: Account, route: string, body?: object): Promise<T> => {
  const [method, path] = route.split(' ') as [string, string];
  const reply = await app.request<object>(method, path, who.token, body);
  if (reply.status >= 300) throw new Error(`${route}: ${reply.status} ${JSON.stringify(reply.body)}`);
  return reply.body as T;
};
export const code = async (who: Account, route: string, body?: object) => {
  const [method, path] = route.split(' ') as [string, string];
  return (await app.request(method, path, who.token, body)).body.code;
};
export const list = async (who = anna) => (await ask<NotificationPage>(who, 'GET notifications')).items;
export const bodies = async (who = anna) => (await list(who)).map(({ body }) => body);
export const unread = async (who = anna) =>
  (await ask<{ unread_count: number }>(who, 'GET notifications/unread-count')).unread_count;
export const sync = (cursor?: string) =>
  ask<SyncAnswer>(anna, cursor ? `GET sync?cursor=${cursor}` : 'GET sync');
export const post = (who: Account, content = 'Привет') => ask<PostDto>(who, 'POST posts', { content });
export const handle = async (who: Account) => (await ask<{ handle: string }>(who, 'GET users/me')).handle;
export const ban = (who: Account, what = 'ban') => ask(admin, `POST admin/users/${who.id}/${what}`);
export const received = (
  count: number,
  event: 'notification:new' | 'notification:updated' = 'notification:new',
) => annaDevice.until(() => (annaDevice.all(event).length >= count ? annaDevice.all(event) : undefined));
