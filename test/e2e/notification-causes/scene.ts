import type { NotificationPage, PostDto, SyncAnswer } from '#contracts';
import { TestApp, type Account, type Device } from '#testing';

/** One app with an admin for a whole test file, and three people for each test. */
class NotificationScene {
  app!: TestApp;
  anna!: Account;
  boris!: Account;
  vera!: Account;
  annaDevice!: Device;
  admin!: Account;

  async start(): Promise<void> {
    this.app = await TestApp.start();
    this.admin = await this.app.register('Админ');
    await this.app.rows(`UPDATE users SET role = 'admin' WHERE id = $1`, [this.admin.id]);
  }

  async fill(): Promise<void> {
    [this.anna, this.boris, this.vera] = await this.app.people('Анна', 'Борис', 'Вера');
    [this.annaDevice] = await this.app.devices(this.anna);
  }

  ask = <T = { id: string }>(who: Account, route: string, body?: object) => this.app.ask<T>(who, route, body);
  code = async (who: Account, route: string, body?: object) => {
    const [method, path] = route.split(' ') as [string, string];
    return (await this.app.request(method, path, who.token, body)).body.code;
  };
  list = async (who = this.anna) => (await this.ask<NotificationPage>(who, 'GET notifications')).items;
  bodies = async (who = this.anna) => (await this.list(who)).map(({ body }) => body);
  unread = async (who = this.anna) =>
    (await this.ask<{ unread_count: number }>(who, 'GET notifications/unread-count')).unread_count;
  sync = (cursor?: string) =>
    this.ask<SyncAnswer>(this.anna, cursor ? `GET sync?cursor=${cursor}` : 'GET sync');
  post = (who: Account, content = 'Привет') => this.ask<PostDto>(who, 'POST posts', { content });
  handle = async (who: Account) => (await this.ask<{ handle: string }>(who, 'GET users/me')).handle;
  ban = (who: Account, action = 'ban') => this.ask(this.admin, `POST admin/users/${who.id}/${action}`);
  received = (count: number, event: 'notification:new' | 'notification:updated' = 'notification:new') =>
    this.annaDevice.until(() => {
      const all = this.annaDevice.all(event);
      return all.length >= count ? all : undefined;
    });
}

export function useNotifications(): NotificationScene {
  const scene = new NotificationScene();
  beforeAll(() => scene.start());
  beforeEach(() => scene.fill());
  afterAll(() => scene.app.stop());
  return scene;
}
