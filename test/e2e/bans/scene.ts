import { ChatDto, type ParticipantPage } from '#contracts';
import { contractErrors, expectStatus, TestApp, type Account } from '#testing';

/** One app with an admin for a whole test file. */
class BanScene {
  app!: TestApp;
  admin!: Account;

  async start(): Promise<void> {
    this.app = await TestApp.start();
    this.admin = await this.app.register('Админ');
    await this.app.rows(`UPDATE users SET role = 'admin' WHERE id = $1`, [this.admin.id]);
  }

  step = (who: Account, action: 'ban' | 'unban') =>
    this.app.request('POST', `admin/users/${who.id}/${action}`, this.admin.token);
  ban = async (who: Account) => expectStatus(await this.step(who, 'ban'), 200);
  /** Signs in again, since the ban ended the sessions. */
  unban = async (who: Account): Promise<Account> => {
    expectStatus(await this.step(who, 'unban'), 200);
    const login = await this.app.request<{ access_token: string }>('POST', 'auth/login', undefined, {
      email: who.email,
      password: 'correct horse battery',
    });
    return { ...who, token: login.body.access_token };
  };
  get = async <T>(who: Account, path: string) =>
    expectStatus(await this.app.request<T>('GET', path, who.token), 200);
  chatOf = async (who: Account, { id }: ChatDto) => {
    const chat = await this.get<ChatDto>(who, `chats/${id}`);
    expect(contractErrors(ChatDto, chat)).toEqual([]);
    return chat;
  };
  roles = async (who: Account, { id }: ChatDto) => {
    const { items } = await this.get<ParticipantPage>(who, `chats/${id}/members`);
    return items.map((member) => `${member.name} ${member.role}`).sort();
  };
  send = async (who: Account, { id }: { id: string }, content = 'Привет') => {
    const path = `chats/${id}/messages`;
    const body = { type: 'text', content };
    const reply = await this.app.request<{ message_id: string }>('POST', path, who.token, body);
    return expectStatus(reply, 201).message_id;
  };
  read = (who: Account, { id }: ChatDto, message_id: string) =>
    this.app.request('POST', `chats/${id}/read`, who.token, { message_id });
}

export function useBans(): BanScene {
  const scene = new BanScene();
  beforeAll(() => scene.start());
  afterAll(() => scene.app.stop());
  return scene;
}
