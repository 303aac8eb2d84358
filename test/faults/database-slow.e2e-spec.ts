import { createTestDatabase, Device, TestApp, text, type Account } from '#testing';
import { Client } from 'pg';
import { Link } from './link.js';

/** The longest that anybody waits for an answer, in ms: what the database is given, and a noisy machine. */
const LIMIT_MS = 12_000;

let drop: () => Promise<void>;
let link: Link;
let app: TestApp;
let direct: Client;
let anna: Account;
let boris: Account;
let hers: Device;
let his: Device;
beforeAll(async () => {
  const database = await createTestDatabase();
  drop = () => database.drop();
  link = await Link.to(database.url);
  app = await TestApp.start({ DATABASE_URL: link.url });
  direct = new Client({ connectionString: database.url });
  await direct.connect();
  [anna, boris] = await app.people('Анна', 'Борис');
  [hers, his] = await app.devices(anna, boris);
});
afterAll(async () => {
  await app.stop();
  await direct.end();
  link.close();
  await drop();
});

it('a table locked for longer than the limit is UNAVAILABLE, and then all is well', async () => {
  const chat = await app.group(anna, boris);
  const { message_id } = await hers.send('chat:message:send', text(chat, 'before'));
  await direct.query('BEGIN');
  await direct.query('LOCK TABLE messages, chat_members IN ACCESS EXCLUSIVE MODE');
  const started = performance.now();
  const payload = text(chat, 'locked', { client_id: 'c' });
  const answers = await Promise.all([
    hers.send('chat:message:send', payload),
    hers.send('chat:message:edit', { message_id, content: 'x' }),
    his.send('chat:message:read', { chat_id: chat.id, message_id }),
    his.send('chat:join', { chat_id: chat.id }),
  ]);
  expect(answers.map(({ code }) => code)).toEqual(Array(4).fill('UNAVAILABLE'));
  expect(performance.now() - started).toBeLessThan(LIMIT_MS);
  await direct.query('ROLLBACK');
  expect(await hers.send('chat:message:send', payload)).toMatchObject({ status: 'sent', seq: 2 });
  await his.next('chat:message:new', ({ content }) => content === 'locked');
});

it('a database that answers nothing is UNAVAILABLE, not ready, and then all is well', async () => {
  const chat = await app.group(anna, boris);
  link.stick();
  const started = performance.now();
  const ready = app
    .request('GET', '/health/ready')
    .then(({ status }) => [status, performance.now() - started]);
  const sent = hers.socket
    .timeout(LIMIT_MS)
    .emitWithAck('chat:message:send', text(chat, 'x', { client_id: 'c' }));
  const [status, ms] = (await ready) as [number, number];
  expect(status).toBe(503);
  expect(ms).toBeLessThan(4000);
  expect((await app.request('GET', '/health/live')).status).toBe(200);
  expect(((await sent) as { code: string }).code).toBe('UNAVAILABLE');
  link.mend();
  expect((await hers.send('chat:message:send', text(chat, 'x', { client_id: 'c' }))).seq).toBe(1);
  await his.next('chat:message:new', ({ chat_id }) => chat_id === chat.id);
});
