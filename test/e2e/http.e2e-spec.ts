import { ErrorBody } from '#contracts';
import { createHttpApp, loadConfig, PgPool } from '#platform';
import {
  DatabaseSession,
  contractErrors,
  createTestDatabase,
  logOf,
  TestApp,
  until,
  type Account,
} from '#testing';
import jwt from 'jsonwebtoken';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { ApiModule } from '../../apps/api/src/api.module.js';
import { ConcurrencyGuard } from '../../apps/api/src/http/concurrency.guard.js';
import { JwtGuard } from '../../apps/api/src/http/jwt.guard.js';

const JSON_TYPE = { 'content-type': 'application/json' };

let app: TestApp;
let anna: Account;
beforeAll(async () => {
  app = await TestApp.start();
  anna = await app.register('Anna');
});
afterAll(() => app.stop());

const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;

describe('refused before any handler runs:', () => {
  const login = (body: string, headers: Record<string, string> = JSON_TYPE): [string, RequestInit] => [
    '/api/v2/auth/login',
    { method: 'POST', body, headers },
  ];

  it.each<[string, [string, RequestInit?], number, string]>([
    ['an unknown route', ['/api/v2/nothing'], 404, 'NOT_FOUND'],
    ['an unknown method', ['/api/v2/users/me', { method: 'PUT' }], 404, 'NOT_FOUND'],
    ['a badly encoded address', ['/api/v2/users/%ff%zz'], 400, 'INVALID_DATA'],
    ['broken JSON', login('{"email":'), 400, 'INVALID_DATA'],
    ['no JSON at all', login(''), 400, 'INVALID_DATA'],
    ['a list', login('[]'), 400, 'INVALID_DATA'],
    ['null', login('null'), 400, 'INVALID_DATA'],
    ['__proto__', login('{"__proto__":{"email":"a@b.cd"}}'), 400, 'INVALID_DATA'],
    ['deep nesting', login(nested(9000)), 400, 'INVALID_DATA'],
    ['a NUL character', login('{"email":"a\\u0000","password":"x"}'), 400, 'INVALID_DATA'],
    [
      'a form',
      login('email=a', { 'content-type': 'application/x-www-form-urlencoded' }),
      400,
      'INVALID_DATA',
    ],
    ['plain text', login('x', { 'content-type': 'text/plain' }), 400, 'INVALID_DATA'],
    ['more than 64 KiB', login(JSON.stringify({ email: 'x'.repeat(65_536) })), 413, 'MESSAGE_TOO_LARGE'],
  ])('%s', async (_, [path, init], status, code) => {
    const response = await fetch(app.url + path, init);
    const body = (await response.json()) as ErrorBody;
    expect([response.status, body.code]).toEqual([status, code]);
    expect(contractErrors(ErrorBody, body)).toEqual([]);
  });
});

it('the HTTP API reads a refused body and closes its connection, so that the answer reaches a client that is still sending', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const options = { method: 'POST', agent, headers: { ...JSON_TYPE, 'content-length': 1_900_000 } };
  const post = request(`${app.url}/api/v2/auth/login`, options);
  post.flushHeaders();
  const [refusal] = (await once(post, 'response')) as [IncomingMessage];
  expect(refusal.statusCode).toBe(413);
  refusal.resume();
  post.end(Buffer.alloc(1_900_000, 'x'));
  await once(refusal, 'end');
  expect(refusal.headers.connection).toBe('close');
  agent.destroy();
});

it('the HTTP API accepts a JSON content type without a body', async () => {
  const me = await app.register();
  const headers = { ...JSON_TYPE, authorization: `Bearer ${me.token}` };
  const response = await fetch(`${app.url}/api/v2/auth/logout`, { method: 'POST', headers });
  expect(response.status).toBe(204);
});

it('the HTTP API limits writes per user, and reads separately', async () => {
  const limited = await TestApp.start({ REST_WRITE_RATE: '4' });
  const me = await limited.register();
  const other = await limited.register();
  const write = (token: string) => limited.request<ErrorBody>('PATCH', 'users/me', token, {});
  const replies = await Promise.all(Array.from({ length: 10 }, () => write(me.token)));
  const refused = replies.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThanOrEqual(2);
  for (const { body } of refused) {
    expect(contractErrors(ErrorBody, body)).toEqual([]);
    expect(body.code).toBe('RATE_LIMIT');
    expect(body.retry_after_ms).toBeLessThanOrEqual(1000);
  }
  expect((await write(other.token)).status).toBe(200);
  const reads = await Promise.all(
    Array.from({ length: 20 }, () => limited.request('GET', 'users/me', me.token)),
  );
  expect(new Set(reads.map(({ status }) => status))).toEqual(new Set([200]));
  await limited.stop();
});

it('the HTTP API requires a token on every route that the docs do not call public', async () => {
  const { paths } = (await (await fetch(`${app.url}/docs-json`)).json()) as {
    paths: Record<string, Record<string, { security?: object[] }>>;
  };
  for (const [path, operations] of Object.entries(paths))
    for (const [method, { security }] of Object.entries(operations)) {
      const isPublic = security?.some((requirement) => Object.keys(requirement).length === 0);
      const address = path.replace(/\{\w+\}/g, () => randomUUID());
      const { status } = await app.request(method.toUpperCase(), address);
      expect([method, path, status === 401]).toEqual([method, path, !isPublic]);
    }
});

it('a request passes both guards once, and an event of a socket passes none', async () => {
  const passes = [JwtGuard, ConcurrencyGuard].map((guard) => jest.spyOn(guard.prototype, 'canActivate'));
  const [device] = await app.devices(anna);
  await device.send('users:list', {});
  for (const pass of passes) expect(pass).not.toHaveBeenCalled();
  await app.request('GET', 'users/me', anna.token);
  for (const pass of passes) expect(pass).toHaveBeenCalledTimes(1);
  jest.restoreAllMocks();
});

it('the HTTP API documents every route: a summary, its answer, its errors', async () => {
  const document = (await (await fetch(`${app.url}/docs-json`)).json()) as {
    paths: Record<string, Record<string, { summary: string; responses: Record<string, object> }>>;
    components: { schemas: Record<string, { properties?: object }> };
  };
  for (const [path, operations] of Object.entries(document.paths))
    for (const [method, { summary, responses }] of Object.entries(operations)) {
      expect([path, method, summary]).toEqual([path, method, expect.stringMatching(/\w+/)]);
      const success = Object.keys(responses).find((status) => status.startsWith('2'))!;
      expect([path, method, JSON.stringify(responses[success]).includes('$ref')]).toEqual([
        path,
        method,
        success !== '204',
      ]);
      expect(JSON.stringify(responses['default'])).toContain('ErrorBody');
    }
  for (const name of JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g))
    expect([
      name[1],
      Object.keys(document.components.schemas[name[1]!]?.properties ?? {}).length > 0,
    ]).toEqual([name[1], true]);
  expect(document.components.schemas['ChatDto']).toMatchObject({
    properties: { last_message: { nullable: true, allOf: [{ $ref: '#/components/schemas/MessageDto' }] } },
    required: expect.arrayContaining(['id', 'title', 'last_message']),
  });
});

it('the HTTP API serves the docs page with everything it loads', async () => {
  const page = await (await fetch(`${app.url}/docs`)).text();
  const files = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file!);
  expect(files.length).toBeGreaterThan(2);
  for (const file of files) expect((await fetch(app.url + file)).status).toBe(200);
});

it('the HTTP API builds and compresses the docs once, and allows caching them', async () => {
  const get = async (encoding: string) => {
    const answer = await fetch(`${app.url}/docs-json`, { headers: { 'accept-encoding': encoding } });
    return { encoding: answer.headers.get('content-encoding'), text: await answer.text(), answer };
  };
  const first = await get('identity');
  const stringify = jest.spyOn(JSON, 'stringify');
  for (const [accepted, encoding] of [
    ['identity', null],
    ['gzip', 'gzip'],
    ['br, gzip', 'br'],
    ['br;q=0, gzip', 'gzip'],
    ['x', null],
  ] as const) {
    const { answer, ...got } = await get(accepted);
    expect(got).toEqual({ encoding, text: first.text });
    expect(answer.headers.get('cache-control')).toBe('public, max-age=600');
    expect(answer.headers.get('vary')).toContain('accept-encoding');
  }
  const isDocument = ([value]: unknown[]) =>
    typeof value === 'object' && value !== null && 'openapi' in value;
  expect(stringify.mock.calls.filter(isDocument)).toEqual([]);
  jest.restoreAllMocks();
});

it('the HTTP API forbids caching everything else', async () => {
  const body = { email: anna.email, password: 'correct horse battery' };
  const answers = [
    await app.request('POST', 'auth/login', undefined, body),
    await app.request('POST', '/auth/login', undefined, body),
    await app.request('POST', 'auth/login', undefined, { ...body, password: 'wrong password' }),
    await app.request('POST', 'auth/refresh', undefined, {
      refresh_token: (await app.register()).refreshToken,
    }),
    await app.request('POST', 'auth/register', undefined, { ...body, email: 'new@example.com', name: 'New' }),
    await app.request('GET', 'auth/sessions', anna.token),
    await app.request('GET', 'nothing', anna.token),
  ];
  expect(answers.map(({ status, headers }) => [status, headers.get('cache-control')])).toEqual(
    [200, 200, 401, 200, 201, 200, 404].map((status) => [status, 'no-store']),
  );
});

it('the HTTP API does not serve docs and metrics when they are switched off', async () => {
  const quiet = await TestApp.start({ SERVE_DOCS: 'false', SERVE_METRICS: 'false' });
  for (const path of ['/docs', '/docs-json', '/docs/start.js', '/docs/swagger-ui-bundle.js', '/metrics'])
    expect(await quiet.request('GET', path)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
  expect((await quiet.request('GET', '/health/ready')).status).toBe(200);
  await quiet.stop();
});

it('the HTTP API probes the database once for many concurrent health requests', async () => {
  const ask = jest.spyOn(app.app.get(PgPool), 'query');
  const paths = Array.from({ length: 40 }, (_, i) => (i % 2 ? '/metrics' : '/health/ready'));
  const answers = await Promise.all(paths.map((path) => fetch(app.url + path)));
  expect(answers.map(({ status }) => status)).toEqual(paths.map(() => 200));
  // On a slow machine this may take longer than one probe result stays valid.
  const probes = ask.mock.calls.filter(([sql]) => typeof sql === 'string' && sql.includes('LOCK TABLE'));
  expect(probes.length).toBeLessThan(10);
  jest.restoreAllMocks();
});

it('the HTTP API answers with the security headers and its own request id', async () => {
  const { headers } = await fetch(`${app.url}/health/live`, { headers: { 'x-request-id': 'mine' } });
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('content-security-policy')).toContain("script-src 'self'");
  expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
});

it('the HTTP API allows only the configured origins to call from a browser', async () => {
  const origins = async (url: string, origin: string) =>
    (await fetch(`${url}/health/live`, { headers: { origin } })).headers.get('access-control-allow-origin');
  expect(await origins(app.url, 'https://any.example')).toBe('*');
  const strict = await TestApp.start({ CORS_ORIGINS: 'https://a.example, https://b.example' });
  expect(await origins(strict.url, 'https://b.example')).toBe('https://b.example');
  expect(await origins(strict.url, 'https://c.example')).toBeNull();
  const credentials = async (url: string, path: string) => {
    const { headers } = await fetch(url + path, { headers: { origin: 'https://b.example' } });
    return headers.get('access-control-allow-credentials');
  };
  for (const path of ['/health', '/socket.io/?EIO=4&transport=polling']) {
    expect(await credentials(strict.url, path)).toBe('true');
    expect(await credentials(app.url, path)).toBeNull();
  }
  await strict.stop();
});

it('the HTTP API reports health and metrics', async () => {
  for (const path of ['/health', '/health/live', '/health/ready'])
    expect(await app.request('GET', path)).toMatchObject({ status: 200, body: { status: 'ok' } });
  const metrics = await fetch(`${app.url}/metrics`);
  expect(metrics.headers.get('content-type')).toContain('text/plain');
  expect(await metrics.text()).toContain('websocket_connections');
});

it('the HTTP API answers UNAVAILABLE while the database is unavailable, and stays live', async () => {
  const key = 'k'.repeat(32);
  const away = await createHttpApp(
    ApiModule,
    loadConfig({
      DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none',
      JWT_SECRET: key,
      LOG_LEVEL: 'silent',
    }),
  );
  await away.listen(0, '127.0.0.1');
  const url = (await away.getUrl()).replace('[::1]', '127.0.0.1');
  const claims = { sid: randomUUID(), typ: 'access', sub: randomUUID(), jti: randomUUID() };
  const token = jwt.sign({ ...claims, iss: 'service-platform', aud: 'service-platform' }, key, {
    expiresIn: 60,
  });
  const asAnna = { headers: { authorization: `Bearer ${token}` } };
  const signIn = {
    method: 'POST',
    headers: JSON_TYPE,
    body: JSON.stringify({ email: 'a@example.com', password: 'password' }),
  };
  for (const [path, init] of [
    ['/health/ready', {}],
    ['/api/v2/users/me', asAnna],
    ['/api/v2/auth/login', signIn],
  ] as const) {
    const response = await fetch(url + path, init);
    const body = (await response.json()) as ErrorBody;
    expect([path, response.status, body.code]).toEqual([path, 503, 'UNAVAILABLE']);
    expect(contractErrors(ErrorBody, body)).toEqual([]);
  }
  expect((await fetch(`${url}/health/live`)).status).toBe(200);
  await away.close();
});

it('the HTTP API finishes the running request on stop, and does not wait for keep-alive connections', async () => {
  const database = await createTestDatabase();
  const stopping = await TestApp.start({ DATABASE_URL: database.url });
  const vera = await stopping.register('Вера');
  const databaseSession = await DatabaseSession.at(database.url);
  await databaseSession.query('BEGIN');
  await databaseSession.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [vera.id]);
  const answer = stopping.request<{ name: string }>('PATCH', 'users/me', vera.token, { name: 'Vera' });
  await databaseSession.somebodyWaits();
  const stopped = stopping.stop();
  await databaseSession.query('COMMIT');
  expect((await answer).headers.get('connection')).toBe('close');
  expect((await answer).body.name).toBe('Vera');
  await stopped;
  await databaseSession.end();
  await database.drop();
});

it('the HTTP API logs one line per request, with the route and the user, and nothing that people wrote', async () => {
  const requests = (lines: object[]) => lines.filter((line) => 'route' in line);
  const lines = await logOf('info', async (sofar) => {
    await app.request('GET', `users/${anna.id}?query=secret-query`, anna.token);
    await app.request('GET', '/health/live');
    await app.request('POST', 'auth/login', undefined, { email: 'secret@example.com', password: 'secret' });
    // A line is logged after the answer was sent.
    await until('two lines', () => requests(sofar).length >= 2);
  });
  expect(requests(lines)).toMatchObject([
    {
      method: 'GET',
      route: '/api/v2/users/:id',
      status: 200,
      user_id: anna.id,
      request_id: expect.any(String),
    },
    { method: 'POST', route: '/api/v2/auth/login', status: 401 },
  ]);
  const text = JSON.stringify(lines);
  expect(text).not.toContain('secret');
  expect(text).not.toContain(anna.token);
});

it('a request that also asks for HTTP/2 is answered over HTTP/1.1', async () => {
  const headers = { ...JSON_TYPE, connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c' };
  const asked = request(`${app.url}/api/v2/auth/login`, { method: 'POST', headers });
  asked.end(JSON.stringify({ email: 'nobody@example.com', password: 'wrong-password' }));
  const [{ statusCode }] = (await once(asked, 'response')) as [IncomingMessage];
  expect(statusCode).toBe(401);
});
