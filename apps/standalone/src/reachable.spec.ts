import { isReachable } from './reachable.js';

it.each([
  ['127.0.0.1', false],
  ['127.0.0.5', false],
  ['127.255.255.254', false],
  ['::1', false],
  ['::ffff:127.0.0.1', false],
  ['localhost', false],
  ['0.0.0.0', true],
  ['::', true],
  ['192.0.2.1', true],
  ['10.0.0.1', true],
  ['fe80::1', true],
  ['128.0.0.1', true],
  ['nowhere.invalid', true],
])('a server at %s: %s', async (HOST, isOpen) => {
  expect(await isReachable({ HOST, TRUSTED_PROXIES: 0 })).toBe(isOpen);
});

it('a server behind a proxy is reachable at any address', async () => {
  expect(await isReachable({ HOST: '127.0.0.1', TRUSTED_PROXIES: 1 })).toBe(true);
});
