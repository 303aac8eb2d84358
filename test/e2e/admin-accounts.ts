import { AccountDto, type AuthAnswer } from '#contracts';
import {
  DatabaseSession,
  contractErrors,
  expectStatus,
  TestApp,
  until,
  type Account,
  type Device,
} from '#testing';

/** One app with two admins for a whole test file. */
class AdminScene {
  app!: TestApp;
  admin!: Account;
  otherAdmin!: Account;
  databaseSession!: DatabaseSession;

  async start(): Promise<void> {
    this.app = await TestApp.start();
    [this.admin, this.otherAdmin] = await this.app.people('Админ', 'Другой Админ');
    const ids = [this.admin.id, this.otherAdmin.id];
    await this.app.rows(`UPDATE users SET role = 'admin' WHERE id = ANY($1)`, [ids]);
    this.databaseSession = await DatabaseSession.at(this.app.databaseUrl);
  }

  async stop(): Promise<void> {
    await this.databaseSession.end();
    await this.app.stop();
  }

  asAdmin = <T = object>(route: string, body?: object, who = this.admin) => {
    const [method, path] = route.split(' ') as [string, string];
    return this.app.request<T>(method, `admin/users${path}`, who.token, body);
  };
  account = async (route: string, body?: object) => {
    const account = expectStatus(await this.asAdmin<AccountDto>(route, body), 200);
    expect([route, contractErrors(AccountDto, account)]).toEqual([route, []]);
    return account;
  };
  ban = (who: Account, reason?: string) =>
    this.account(`POST /${who.id}/ban`, reason ? { reason } : undefined);
  login = ({ email }: Account) =>
    this.app.request<AuthAnswer>('POST', 'auth/login', undefined, {
      email,
      password: 'correct horse battery',
    });
  me = async (token: string) => (await this.app.request('GET', 'users/me', token)).status;
  entries = (about: Account) =>
    this.app.rows('SELECT admin_id, action, details FROM audit_entries WHERE target_id = $1 ORDER BY id', [
      about.id,
    ]);
  isShutOut = async (device: Device) => {
    const since = Date.now();
    expect(await device.next('error')).toMatchObject({ code: 'UNAUTHORIZED' });
    await device.disconnected();
    expect(Date.now() - since).toBeLessThan(1000);
  };
  bothWait = () => until('two statements wait', async () => (await this.databaseSession.waiters()) >= 2);
}

export function useAdmins(): AdminScene {
  const scene = new AdminScene();
  beforeAll(() => scene.start());
  afterAll(() => scene.stop());
  return scene;
}
