import { logOf, TestApp, until, type Account } from '#testing';
import { QueryBus } from '@nestjs/cqrs';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { holdExecutions } from './held-executions.js';

const range = (length: number) => Array.from({ length }, (_, i) => i);

describe('clients that disconnect raise no alarm', () => {
  let app: TestApp;
  let anna: Account;
  /** The server's ends of the connections that have sent a request. */
  let ends: Set<Socket>;
  const note = ({ socket }: IncomingMessage) => void ends.add(socket);
  beforeAll(async () => {
    app = await TestApp.start();
    [anna] = await app.people('Анна');
    app.app.getHttpServer().on('request', note);
  });
  beforeEach(() => (ends = new Set()));
  afterEach(() => jest.restoreAllMocks());
  afterAll(() => app.stop());

  const open = (request: string): Socket => {
    const { hostname, port } = new URL(app.url);
    const client = connect(Number(port), hostname).on('error', () => {});
    client.write(request);
    return client;
  };
  const received = (count: number) => until('received', () => ends.size === count);
  const disconnect = async (clients: Socket[]) => {
    const noticed = [...ends].filter(({ destroyed }) => !destroyed).map((end) => once(end, 'close'));
    for (const client of clients) client.destroy();
    await Promise.all(noticed);
  };

  it('while their sign-ins wait for the hashing of passwords', async () => {
    const lines = await logOf('warn', async () => {
      const clients = range(14).map((i) => {
        const body = JSON.stringify({ email: `nobody${i}@example.com`, password: 'correct horse battery' });
        return open(
          'POST /api/v2/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n' +
            `Content-Length: ${body.length}\r\n\r\n${body}`,
        );
      });
      const [first] = await Promise.race(clients.map((client) => once(client, 'data') as Promise<[Buffer]>));
      expect(first.toString()).toMatch(/^HTTP\/1.1 401 /);
      await received(14);
      await disconnect(clients);
      expect((await app.request('GET', 'users/me', anna.token)).status).toBe(200);
    });
    expect(lines).toEqual([]);
  });

  it('while their reads wait for their turn', async () => {
    const held = holdExecutions(app.app.get(QueryBus));
    const lines = await logOf('warn', async () => {
      const clients = range(8).map(() =>
        open(`GET /api/v2/users/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${anna.token}\r\n\r\n`),
      );
      await received(8);
      await until('four run', () => held.begun === 4);
      await disconnect(clients);
      held.release();
      expect((await app.request('GET', 'users/me', anna.token)).status).toBe(200);
    });
    expect(lines).toEqual([]);
  });
});
