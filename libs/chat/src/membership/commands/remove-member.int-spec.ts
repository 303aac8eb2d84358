import { TestApp, text } from '#testing';
import { GroupChanges } from '../group-changes.js';

let app: TestApp;
beforeAll(async () => (app = await TestApp.start()));
afterAll(() => app.stop());

it('a removed member receives nothing more, also when the answer to the commit is lost', async () => {
  const [anna, vera] = await app.people('Анна', 'Вера');
  const [annaDevice, veraDevice] = await app.devices(anna, vera);
  const [group, another] = [await app.group(anna, vera), await app.group(anna, vera)];
  const groups = app.app.get(GroupChanges);
  const change = groups.change.bind(groups);
  jest.spyOn(groups, 'change').mockImplementationOnce(async (...args) => {
    await change(...args);
    throw new Error('Connection terminated');
  });
  const removal = await app.request('DELETE', `chats/${group.id}/members/${vera.id}`, anna.token);
  expect(removal.status).toBe(503);
  await annaDevice.send('chat:message:send', text(group, 'without her'));
  await annaDevice.send('chat:message:send', text(another, 'with her'));
  await veraDevice.next('chat:message:new', ({ content }) => content === 'with her');
  expect(veraDevice.all('chat:message:new').map(({ content }) => content)).toEqual(['with her']);
});
