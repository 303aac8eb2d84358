import { DatabaseSession, logOf, text, TestApp, until } from '#testing';
import { once } from 'node:events';
import { connect, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

let app: TestApp;
beforeAll(async () => (app = await TestApp.start()));
afterAll(() => app.stop());

const alarms = (lines: object[]) => lines.filter((line) => 'level' in line && line.level !== 'info');

it('a full database answers UNAVAILABLE, and one log line says why for all', async () => {
  const [anna, boris] = await app.people('Анна', 'Борис');
  const chat = await app.chat(anna, boris);
  const device = await app.device(anna);
  // The error of a full disk, when a row needs more room.
  await app.rows(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$`);
  await app.rows('CREATE TRIGGER full_disk BEFORE INSERT ON messages EXECUTE FUNCTION refuse()');
  const lines = await logOf('warn', async () => {
    for (let i = 0; i < 20; i++)
      expect(await device.send('chat:message:send', text(chat, 'x'))).toMatchObject({
        code: 'UNAVAILABLE',
        retry_after_ms: 1000,
      });
    const path = `chats/${chat.id}/messages`;
    const { status } = await app.request('POST', path, anna.token, { type: 'text', content: 'x' });
    expect(status).toBe(503);
  });
  const [line, ...more] = alarms(lines);
  expect(line).toMatchObject({
    msg: 'dependency unavailable',
    err: 'could not extend file: No space left on device',
    code: '53100',
  });
  // On a slow machine there may be one per 10 s.
  expect(more.length).toBeLessThan(4);
  await app.rows('DROP TRIGGER full_disk ON messages');
  expect(await device.send('chat:message:send', text(chat, 'x'))).toMatchObject({ status: 'sent' });
});

describe('the database is reported as not ready while it', () => {
  let databaseSession: DatabaseSession;
  beforeAll(async () => (databaseSession = await DatabaseSession.at(app.databaseUrl)));
  afterAll(() => databaseSession.end());

  const ready = async () => (await app.request('GET', '/health/ready')).status;
  /** Applies to new connections, and ends the present ones. */
  const set = async (setting: string) => {
    await databaseSession.query('BEGIN READ WRITE');
    await databaseSession.query(
      `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I ${setting}', current_database()); END $$`,
    );
    await databaseSession.query('COMMIT');
    await databaseSession.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid()`);
  };

  it('is read-only, and writers get the reason', async () => {
    const [anna, boris] = await app.people('Анна', 'Борис');
    expect(await ready()).toBe(200);
    await set('SET default_transaction_read_only = true');
    await until('not ready', async () => (await ready()) === 503);
    const refused = await app.request('POST', 'chats', anna.token, {
      type: 'direct',
      participant_ids: [boris.id],
    });
    expect(refused).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } });
    expect((await app.request('GET', '/health/live')).status).toBe(200);
    await set('RESET default_transaction_read_only');
    await until('ready', async () => (await ready()) === 200);
  });

  it('has no room for the temporary files of a statement', async () => {
    await set('SET temp_file_limit = 0');
    await until('not ready', async () => (await ready()) === 503);
    await set('RESET temp_file_limit');
    await until('ready', async () => (await ready()) === 200);
  });
});

it('an aborted upload raises no alarm', async () => {
  const { hostname, port } = new URL(app.url);
  const ends: Socket[] = [];
  (app.app.getHttpServer() as Server).on('connection', (end: Socket) => ends.push(end));
  const lines = await logOf('info', async () => {
    for (let i = 0; i < 5; i++) {
      const socket = connect(Number(port), hostname).on('error', () => {});
      socket.write(`POST /api/v2/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`);
      socket.write(`Content-Length: 100\r\n\r\n{`);
      await sleep(50);
      const closed = once(socket, 'close');
      if (i % 2) socket.resetAndDestroy();
      else socket.destroy();
      await closed;
    }
    await until('noticed', () => ends.length === 5 && ends.every(({ destroyed }) => destroyed));
    // Anything to log about it has been logged by now.
    expect((await app.request('GET', '/health')).status).toBe(200);
  });
  expect(alarms(lines)).not.toContainEqual(expect.objectContaining({ msg: 'dependency unavailable' }));
});

it('a client that disconnects before its request is handled raises no alarm', async () => {
  const { hostname, port } = new URL(app.url);
  const server = app.app.getHttpServer() as Server;
  const client = connect(Number(port), hostname).on('error', () => {});
  const reset = () => client.resetAndDestroy();
  const lines = await logOf('info', async () => {
    server.prependOnceListener('request', reset);
    client.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(client, 'close');
    expect((await app.request('GET', '/health')).status).toBe(200);
  });
  expect(alarms(lines)).toEqual([]);
});
