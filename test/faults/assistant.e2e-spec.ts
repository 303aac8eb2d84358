import { DatabaseSession, createTestDatabase, Link } from '#testing';
import { Scene, type Complete } from '../e2e/assistant/scene.js';

let scene: Scene;
let link: Link;
let direct: DatabaseSession;
let drop: () => Promise<void>;
beforeAll(async () => {
  const database = await createTestDatabase();
  drop = () => database.drop();
  link = await Link.to(database.url);
  direct = await DatabaseSession.at(database.url);
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
    const conversation = await scene.chat();
    const lost = link.loseAnswerTo(marker);
    conversation.client.send('message', { message: 'Вопрос' });
    await lost;
    const complete = await conversation.client.next<Complete>('assistant_message_complete');
    expect(complete).toMatchObject({ content: 'Да, конечно.', status: 'complete' });
    expect(await scene.history(conversation)).toEqual([
      'user complete: Вопрос',
      'assistant complete: Да, конечно.',
    ]);
    expect(conversation.client.all('error')).toEqual([]);
  },
);

it('the database is unavailable when an answer ends: the answer is stored and published afterwards', async () => {
  const conversation = await scene.chat();
  scene.model.answerWith({ tokens: ['раз', 'два'], pace: 300 });
  const messageId = await scene.begin(conversation.client, 'Вопрос');
  await conversation.client.until(
    () => conversation.client.tokens(messageId).length === 1 || undefined,
    'a token',
  );
  link.cut();
  await conversation.client.until(
    () => conversation.client.tokens(messageId).length === 2 || undefined,
    'two tokens',
  );
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(conversation.client.all('assistant_message_complete')).toEqual([]);
  link.mend();
  const complete = await conversation.client.next<Complete>('assistant_message_complete');
  expect(complete).toMatchObject({ content: 'раздва', status: 'complete' });
  const { rows } = await direct.query('SELECT 1 FROM assistant_tokens');
  expect(rows).toEqual([]);
});
