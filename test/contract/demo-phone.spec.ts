import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

interface DemoPhone {
  request(method: string, path: string): Promise<unknown>;
}
let server: Server;
afterEach(() => server.close());

it('the demo ends instead of waiting for a daily limit', async () => {
  server = createServer((_, response) =>
    response
      .writeHead(429, { 'content-type': 'application/json' })
      .end(JSON.stringify({ code: 'RATE_LIMIT', message: 'Too many', retry_after_ms: 3600_000 })),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const path = pathToFileURL(resolve('scripts/demo/phone.mjs')).href;
  const { Phone } = (await import(path)) as { Phone: new (options: object) => DemoPhone };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const phone = new Phone({ url, say: () => undefined });
  await expect(phone.request('POST', 'bookings')).rejects.toMatchObject({ code: 'RATE_LIMIT' });
});
