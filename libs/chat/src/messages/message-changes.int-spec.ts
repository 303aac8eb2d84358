import type { MessageDto } from '#contracts';
import { EventPublisher } from '#realtime';
import { TestApp, text } from '#testing';

let app: TestApp;
beforeAll(async () => (app = await TestApp.start()));
afterAll(() => app.stop());

it.each([
  ['one name of the sender', `'b'`, 'b'],
  ['as many names of the sender', 'other', '…'],
])('publishes an edit in two frames for 200 members whose blocks keep %s', async (_, name, shown) => {
  const anna = await app.register('Анна');
  const members = await app.manyPeople(200);
  const chat = await app.group(anna, ...members.map((id) => ({ id })));
  const device = await app.device(anna);
  const { message_id } = await device.send('chat:message:send', text(chat));
  await app.rows(
    `INSERT INTO blocks (blocker_id, blocked_id, blocker_name, blocker_handle, blocked_name, blocked_handle)
     SELECT other, $1, 'a', 'a', ${name}, 'b' FROM unnest($2::uuid[]) AS other`,
    [anna.id, members],
  );
  const publish = jest.spyOn(app.app.get(EventPublisher), 'publish');
  const { status } = await device.send('chat:message:edit', { message_id, content: 'edited' });
  const names = publish.mock.calls.map(([, , payload]) => (payload as MessageDto).sender_name);
  publish.mockRestore();
  expect(status).toBe('ok');
  expect(names).toEqual(['Анна', shown]);
});
