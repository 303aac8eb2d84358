import { TestApp, type Account } from '#testing';
import WebSocket from 'ws';
import { RawSocket } from './raw-client.js';

const OURS = 'https://app.example';
/** Origins as browsers send them; none of them is allowed. */
const FOREIGN = [
  'https://evil.example',
  'http://app.example',
  'https://app.example:8443',
  'https://app.example.evil.example',
  'https://evilapp.example',
  'https://app.exampl',
  'app.example',
  'https://APP.example.',
  'null',
  '*',
  'https://app.example, https://evil.example',
];

let app: TestApp;
let anna: Account;
beforeAll(async () => {
  app = await TestApp.start({ CORS_ORIGINS: `${OURS}, https://admin.example` });
  anna = await app.register('Анна');
});
afterAll(() => app.stop());

const upgrades = async (path: string, headers: Record<string, string>) => {
  const socket = new WebSocket(app.url.replace('http', 'ws') + path, { headers });
  const outcome = await new Promise<string>((resolve) => {
    socket.on('open', () => resolve('open'));
    socket.on('error', ({ message }) => resolve(message));
  });
  socket.terminate();
  expect(outcome).toMatch(/^open$|40[03]$/);
  return outcome === 'open';
};

/** Every way to connect, with an Origin or, like phones, without one. */
const WAYS: Record<string, (headers: Record<string, string>) => Promise<boolean>> = {
  'Socket.IO by WebSocket': (headers) => upgrades('/socket.io/?EIO=4&transport=websocket', headers),
  '/ws/chat': (headers) => upgrades('/ws/chat', headers),
  'Socket.IO by polling': async (headers) => {
    const address = `${app.url}/socket.io/?EIO=4&transport=polling`;
    const opened = await fetch(address, { headers });
    expect([200, 403]).toContain(opened.status);
    if (opened.status === 200) {
      const { sid } = JSON.parse((await opened.text()).slice(1)) as { sid: string };
      await fetch(`${address}&sid=${sid}`, { method: 'POST', body: '1' });
    }
    return opened.status === 200;
  },
};

describe.each(Object.entries(WAYS))('%s', (_, opens) => {
  it('accepts the configured origins and clients without one', async () => {
    expect(await opens({ origin: OURS })).toBe(true);
    expect(await opens({ origin: 'https://admin.example' })).toBe(true);
    expect(await opens({})).toBe(true);
  });

  it.each(FOREIGN)('refuses %s', async (origin) => {
    expect(await opens({ origin })).toBe(false);
  });
});

describe('REST', () => {
  const answer = async (origin: string, method = 'GET') => {
    const preflight = {
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization',
    };
    const { headers, status } = await fetch(`${app.url}/api/v2/users/me`, {
      method,
      headers: { origin, ...(method === 'OPTIONS' ? preflight : { authorization: `Bearer ${anna.token}` }) },
    });
    const allowed = headers.get('access-control-allow-origin');
    if (allowed !== null) expect(headers.get('access-control-allow-credentials')).toBe('true');
    return [status < 300, allowed];
  };

  it('allows browsers to show its answers to pages of the configured origins', async () => {
    for (const method of ['GET', 'OPTIONS']) expect(await answer(OURS, method)).toEqual([true, OURS]);
  });

  // A token is in a header, which browsers send only where the preflight allows it.
  it.each(FOREIGN)('does not allow that to pages of %s', async (origin) => {
    for (const method of ['GET', 'OPTIONS']) expect((await answer(origin, method))[1]).toBeNull();
  });
});

it('without a list any page may connect, and needs a token', async () => {
  const open = await TestApp.start();
  const raw = await RawSocket.open(open.url, { origin: 'https://any.example' });
  raw.close();
  await open.stop();
});
