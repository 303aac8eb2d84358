import type { ErrorBody } from '#contracts';
import { TestApp, type Account } from '#testing';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';

let app: TestApp;
let anna: Account;
beforeAll(async () => {
  app = await TestApp.start();
  anna = await app.register('Анна');
});
afterAll(() => app.stop());

describe('an empty body counts as no body, whatever its type', () => {
  const TYPES = [
    undefined,
    'application/x-www-form-urlencoded',
    'text/plain;charset=UTF-8',
    'multipart/form-data; boundary=x',
    'application/octet-stream',
    'application/json; charset=utf-8',
    'application/merge-patch+json',
    'x',
    '',
    'application/json, application/json',
    'application/json, text/plain',
    'application/',
    'a/b/c',
    '/',
    'application / json',
    'application/json',
    'text/plain',
  ];
  const BODIES = ['', undefined, ' \r\n\t'];
  /** Sends the body chunked, or with the given length. */
  const ask = async (method: string, path: string, token: string, type?: string, body?: string) => {
    const headers = {
      authorization: `Bearer ${token}`,
      ...(type !== undefined && { 'content-type': type }),
      ...(body === undefined ? { 'transfer-encoding': 'chunked' } : { 'content-length': body.length }),
    };
    const request = httpRequest(`${app.url}/api/v2/${path}`, { method, headers, agent: false });
    request.end(body);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const answer = (await response.toArray()).join('');
    const message = answer ? (JSON.parse(answer) as ErrorBody).message : undefined;
    return { status: response.statusCode, message };
  };

  it('on every route that needs no body', async () => {
    const { paths } = (await (await fetch(`${app.url}/docs-json`)).json()) as {
      paths: Record<string, Record<string, { requestBody?: { required?: boolean } }>>;
    };
    const [me, admin] = await app.people('Пётр', 'Админ');
    await app.rows(`UPDATE users SET role = 'admin' WHERE id = $1`, [admin.id]);
    let count = 0;
    for (const [path, operations] of Object.entries(paths))
      for (const [method, { requestBody }] of Object.entries(operations)) {
        if (method === 'get' || requestBody?.required || path.endsWith('auth/logout')) continue;
        const { token } = path.includes('/admin/') ? admin : me;
        const address = path.replace('/api/v2/', '').replace(/\{\w+\}/g, () => randomUUID());
        const plain = await app.request<ErrorBody>(method.toUpperCase(), address, token);
        const said = await Promise.all(
          TYPES.map((type, i) => ask(method.toUpperCase(), address, token, type, BODIES[i % BODIES.length])),
        );
        const { status } = plain;
        const { message } = plain.body;
        expect([method, path, said]).toEqual([method, path, TYPES.map(() => ({ status, message }))]);
        count++;
      }
    expect(count).toBeGreaterThan(20);
  });

  it('on the sign-out route', async () => {
    for (const type of [undefined, 'application/x-www-form-urlencoded']) {
      const { token } = await app.register();
      expect((await ask('POST', 'auth/logout', token, type, type && '')).status).toBe(204);
      expect((await app.request('GET', 'users/me', token)).status).toBe(401);
    }
  });

  it('unlike a body with content, which must be JSON', async () => {
    const { token } = await app.register();
    for (const [type, body] of [
      ['application/x-www-form-urlencoded', 'a=b'],
      ['text/plain', ' x'],
      ['application/json, text/plain', '{}'],
      ['application/octet-stream', '{}'],
      ['x', '{}'],
      [undefined, '{}'],
      ['application/json', '{'],
      ['application/merge-patch+json', '{"name":'],
    ] as const)
      expect([type, await ask('POST', 'notifications/read-all', token, type, body)]).toEqual([
        type,
        { status: 400, message: expect.any(String) },
      ]);
    const patch = JSON.stringify({ name: 'Patched' });
    for (const type of [
      'application/merge-patch+json',
      'application/json, application/json',
      'Application/JSON; charset=utf-8; x="a,b",application/json',
    ])
      expect([type, (await ask('PATCH', 'users/me', token, type, patch)).status]).toEqual([type, 200]);
    expect((await app.request('GET', 'users/me', token)).body).toMatchObject({ name: 'Patched' });
  });
});

describe('a large answer is compressed', () => {
  const get = async (path: string, encoding: string, method = 'GET') => {
    const headers = { authorization: `Bearer ${anna.token}`, 'accept-encoding': encoding };
    const request = httpRequest(app.url + path, { method, headers, agent: false }).end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const body = Buffer.concat((await response.toArray()) as Buffer[]);
    return { encoding: response.headers['content-encoding'], body, headers: response.headers };
  };

  it('when the client accepts it; small answers and answers with tokens are not', async () => {
    const plain = await get('/docs-json', 'identity');
    expect(plain.encoding).toBeUndefined();
    expect(plain.headers.vary).toContain('accept-encoding');
    const zipped = await get('/docs-json', 'gzip');
    expect([zipped.encoding, gunzipSync(zipped.body).equals(plain.body)]).toEqual(['gzip', true]);
    expect(zipped.headers.vary).toContain('accept-encoding');
    const brotli = await get('/docs-json', 'gzip, deflate, br');
    expect([brotli.encoding, brotliDecompressSync(brotli.body).equals(plain.body)]).toEqual(['br', true]);
    expect(gunzipSync((await get('/metrics', 'gzip')).body).toString()).toContain('# HELP');
    expect((await get('/api/v2/users/me', 'gzip')).encoding).toBeUndefined();
    const head = await get('/docs-json', 'gzip', 'HEAD');
    expect(head.body).toHaveLength(0);
    const name = 'я'.repeat(60);
    const avatar = `https://example.com/${'x'.repeat(1500)}`;
    const account = { email: `${randomUUID()}@example.com`, password: 'correct horse battery', name, avatar };
    const registered = await fetch(`${app.url}/api/v2/auth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'accept-encoding': 'gzip' },
      body: JSON.stringify(account),
    });
    expect([registered.status, registered.headers.get('content-encoding')]).toEqual([201, null]);
  });

  it('a compressed request is refused, since a small one could expand without bound', async () => {
    const response = await fetch(`${app.url}/api/v2/users/me`, {
      method: 'PATCH',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${anna.token}`,
        'content-encoding': 'gzip',
      },
      body: gzipSync(JSON.stringify({ name: 'x'.repeat(1_000_000) })),
    });
    expect(response.status).toBe(400);
  });
});
