import { text } from '#testing';
import { setScene } from './scene.js';

/** The longest wait for an answer, ms: the limit of the database, and a busy machine. */
const LIMIT_MS = 12_000;

const scene = setScene();

it('a table locked for longer than the limit is UNAVAILABLE, and all works afterwards', async () => {
  const chat = await scene.app.group(scene.anna, scene.boris);
  const { message_id } = await scene.firstDevice.send('chat:message:send', text(chat, 'before'));
  await scene.direct.query('BEGIN');
  await scene.direct.query('LOCK TABLE messages, chat_members IN ACCESS EXCLUSIVE MODE');
  const started = performance.now();
  const payload = text(chat, 'locked', { client_id: 'c' });
  const answers = await Promise.all([
    scene.firstDevice.send('chat:message:send', payload),
    scene.firstDevice.send('chat:message:edit', { message_id, content: 'x' }),
    scene.secondDevice.send('chat:message:read', { chat_id: chat.id, message_id }),
    scene.secondDevice.send('chat:join', { chat_id: chat.id }),
  ]);
  expect(answers.map(({ code }) => code)).toEqual(Array(4).fill('UNAVAILABLE'));
  expect(performance.now() - started).toBeLessThan(LIMIT_MS);
  await scene.direct.query('ROLLBACK');
  expect(await scene.firstDevice.send('chat:message:send', payload)).toMatchObject({
    status: 'sent',
    seq: 2,
  });
  await scene.secondDevice.next('chat:message:new', ({ content }) => content === 'locked');
});

it('a stalled database is UNAVAILABLE and not ready, and all works afterwards', async () => {
  const chat = await scene.app.group(scene.anna, scene.boris);
  scene.link.stick();
  const started = performance.now();
  const ready = scene.app
    .request('GET', '/health/ready')
    .then(({ status }) => [status, performance.now() - started]);
  const sent = scene.firstDevice.socket
    .timeout(LIMIT_MS)
    .emitWithAck('chat:message:send', text(chat, 'x', { client_id: 'c' }));
  const [status, ms] = (await ready) as [number, number];
  expect(status).toBe(503);
  expect(ms).toBeLessThan(4000);
  expect((await scene.app.request('GET', '/health/live')).status).toBe(200);
  expect(((await sent) as { code: string }).code).toBe('UNAVAILABLE');
  scene.link.mend();
  expect((await scene.firstDevice.send('chat:message:send', text(chat, 'x', { client_id: 'c' }))).seq).toBe(
    1,
  );
  await scene.secondDevice.next('chat:message:new', ({ chat_id }) => chat_id === chat.id);
});
