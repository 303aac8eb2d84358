import { ChatDto, type ParticipantPage } from '#contracts';
import { contractErrors, TestApp, type Account } from '#testing';

export let app: TestApp;
export let admin: Account;

/** Starts one app with an admin for a whole test file. */
export function setScene(): void {
  beforeAll(async () => {
    app = await TestApp.start();
    admin = await app.register('Админ');
    await app.rows(`UPDATE users SET role = 'admin' WHERE id = $1`, [admin.id]);
  });
  afterAll(() => app.stop());
}

export const step = (who: Account, what: 'ban' | 'unban') =>
  app.request('POST', `admin/users/${who.id}/${what}`, admin.token);
export const ban = async (who: Account) => expect((await step(who, 'ban')).status).toBe(200);
/** Signs in again, since the ban ended the sessions. */
export const unban = async (who: Account): Promise<Account> => {
  expect((await step(who, 'unban')).status).toBe(200);
  const login = await app.request<{ access_token: string }>('POST', 'auth/login', undefined, {
    email: who.email,
    password: 'correct horse battery',
  });
  return { ...who, token: login.body.access_token };
};
export const get = async <T>(who: Account, path: string) => {
  const { status, body } = await app.request<T>('GET', path, who.token);
  expect([path, status]).toEqual([path, 200]);
  return body;
};
export const chatOf = async (who: Account, { id }: ChatDto) => {
  const chat = await get<ChatDto>(who, `chats/${id}`);
  expect(contractErrors(ChatDto, chat)).toEqual([]);
  return chat;
};
export const roles = async (who: Account, { id }: ChatDto) => {
  const { items } = await get<ParticipantPage>(who, `chats/${id}/members`);
  return items.map((member) => `${member.name} ${member.role}`).sort();
};
export const send = async (who: Account, { id }: { id: string }, content = 'Привет') => {
  const { status, body } = await app.request<{ message_id: string }>(
    'POST',
    `chats/${id}/messages`,
    who.token,
    { type: 'text', content },
  );
  expect(status).toBe(201);
  return body.message_id;
};
export const read = (who: Account, { id }: ChatDto, message_id: string) =>
  app.request('POST', `chats/${id}/read`, who.token, { message_id });
