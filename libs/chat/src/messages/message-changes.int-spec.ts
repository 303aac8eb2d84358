import { TestApp, text } from '#testing';

let app: TestApp;
beforeAll(async () => (app = await TestApp.start()));
afterAll(() => app.stop());

it('writes out an edit once for all members that its sender blocks', async () => {
  const anna = await app.register('Анна');
  const members = await app.manyPeople(200);
  const chat = await app.group(anna, ...members.map((id) => ({ id })));
  const device = await app.device(anna);
  const { message_id } = await device.send('chat:message:send', text(chat));
  await app.rows(
    `INSERT INTO blocks (blocker_id, blocked_id, blocker_name, blocker_handle, blocked_name, blocked_handle)
     SELECT $1, unnest($2::uuid[]), 'a', 'a', 'b', 'b'`,
    [anna.id, members],
  );
  const stringify = jest.spyOn(JSON, 'stringify');
  const { status } = await device.send('chat:message:edit', { message_id, content: 'edited' });
  const written = stringify.mock.results.filter(({ value }) => `${value}`.includes('"content":"edited"'));
  stringify.mockRestore();
  expect(status).toBe('ok');
  expect(written.length).toBeLessThan(20);
});
