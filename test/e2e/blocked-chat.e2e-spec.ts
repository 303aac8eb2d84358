import type { ChatDto } from '#contracts';
import { TestApp, text, type Account, type Device } from '#testing';

let app: TestApp;
let anna: Account;
let boris: Account;
let hers: Device;
let his: Device;
let chat: ChatDto;
let message_id: string;
beforeAll(async () => {
  app = await TestApp.start();
  [anna, boris] = await app.people('Анна', 'Борис');
  [hers, his] = await app.devices(anna, boris);
  chat = await app.chat(anna, boris);
  ({ message_id } = await his.send('chat:message:send', text(chat, 'Before')));
  await hers.next('chat:message:new');
});
afterAll(() => app.stop());

const block = (method: 'PUT' | 'DELETE') => app.request(method, `users/${boris.id}/block`, anna.token);
const said = async () => (await app.history(anna, chat.id)).map(({ content }) => content);

it('a block closes the chat for both: nothing new is said, what was said stays', async () => {
  await block('PUT');
  for (const device of [hers, his]) {
    for (const refused of [
      await device.send('chat:message:send', text(chat, 'Blocked')),
      await device.send('chat:message:react', { message_id, emoji: '👍', on: true }),
      await device.send('chat:typing', { chat_id: chat.id, is_typing: true }),
    ])
      expect(refused).toMatchObject({ status: 'error', code: 'FORBIDDEN' });
  }
  expect(await his.send('chat:message:edit', { message_id, content: 'Changed' })).toMatchObject({
    code: 'FORBIDDEN',
  });
  const path = `chats/${chat.id}/messages`;
  const rest = await app.request('POST', path, boris.token, { type: 'text', content: 'Blocked' });
  expect([rest.status, rest.body.code]).toEqual([403, 'FORBIDDEN']);
  expect(await said()).toEqual(['Before']);
});

it('neither learns through the chat whether the other is there, or has read', async () => {
  const receipts = his.all('chat:message:read').length;
  await hers.send('chat:message:read', { chat_id: chat.id, message_id });
  type People = { items: { id: string; online: boolean; last_seen: string | null }[] };
  const { body: seen } = await app.request<ChatDto>('GET', `chats/${chat.id}`, boris.token);
  const { body: members } = await app.request<People>('GET', `chats/${chat.id}/members`, boris.token);
  for (const people of [seen.participants, members.items])
    expect(people.find(({ id }) => id === anna.id)).toMatchObject({ online: false, last_seen: null });
  await his.settled();
  expect(his.all('chat:message:read').length).toBe(receipts);
});

it('a group that both are in stays open to both', async () => {
  const [vera] = await app.people('Вера');
  const { body: group } = await app.request<ChatDto>('POST', 'chats', vera.token, {
    type: 'group',
    participant_ids: [anna.id, boris.id],
  });
  expect(await his.send('chat:message:send', text(group, 'To all'))).toMatchObject({ status: 'sent' });
});

it('one may still take back what one said, and without the block the chat goes on', async () => {
  expect(await his.send('chat:message:delete', { message_id })).toEqual({ status: 'ok' });
  await block('DELETE');
  expect(await his.send('chat:message:send', text(chat, 'After'))).toMatchObject({ status: 'sent' });
  expect(await said()).toEqual(['', 'After']);
});
