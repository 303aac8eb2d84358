import { Bystander, createTestDatabase, Link } from '#testing';
import { Scene, type Complete } from '../e2e/assistant/scene.js';

let scene: Scene;
let link: Link;
let direct: Bystander;
let drop: () => Promise<void>;
beforeAll(async () => {
  const database = await createTestDatabase();
  drop = () => database.drop();
  link = await Link.to(database.url);
  direct = await Bystander.at(database.url);
  scene = await Scene.start({ DATABASE_URL: link.url, ASSISTANT_TIMEOUT_MS: '10000' });
});
afterAll(async () => {
  await scene.stop();
  await direct.end();
  link.close();
  await drop();
});

it.each(['earlier AS', 'token_ends'])(
  'the answer to a statement with %s is lost: the question is answered once',
  async (marker) => {
    const talk = await scene.chat();
    const lost = link.loseAnswerTo(marker);
    talk.client.send('message', { message: 'Вопрос' });
    await lost;
    const complete = await talk.client.next<Complete>('assistant_message_complete');
    expect(complete).toMatchObject({ content: 'Да, конечно.', status: 'complete' });
    expect(await scene.history(talk)).toEqual(['user complete: Вопрос', 'assistant complete: Да, конечно.']);
    expect(talk.client.all('error')).toEqual([]);
  },
);

it('the database is unavailable when an answer ends: the answer is stored and published afterwards', async () => {
  const talk = await scene.chat();
  scene.model.answerWith({ tokens: ['раз', 'два'], pace: 300 });
  const messageId = await scene.begin(talk.client, 'Вопрос');
  await talk.client.until(() => talk.client.tokens(messageId).length === 1 || undefined, 'a token');
  link.cut();
  await talk.client.until(() => talk.client.tokens(messageId).length === 2 || undefined, 'two tokens');
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(talk.client.all('assistant_message_complete')).toEqual([]);
  link.mend();
  const complete = await talk.client.next<Complete>('assistant_message_complete');
  expect(complete).toMatchObject({ content: 'раздва', status: 'complete' });
  const { rows } = await direct.query('SELECT 1 FROM assistant_tokens');
  expect(rows).toEqual([]);
});
