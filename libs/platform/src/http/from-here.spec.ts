import { isFromHere } from './from-here.js';

it.each<[Record<string, string>, boolean]>([
  [{}, true],
  [{ origin: 'http://127.0.0.1:3000' }, true],
  [{ origin: 'http://localhost:5173' }, true],
  [{ origin: 'http://app.localhost' }, true],
  [{ origin: 'http://[::1]:3000' }, true],
  [{ origin: 'https://evil.example' }, false],
  [{ origin: 'http://localhost.evil.example' }, false],
  [{ origin: 'http://127.0.0.1.evil.example' }, false],
  [{ origin: 'http://127.0.0.1@evil.example' }, false],
  [{ origin: 'http://192.168.0.7:3000' }, false],
  [{ origin: 'null' }, false],
  [{ origin: '' }, false],
  [{ 'x-forwarded-for': '127.0.0.1' }, false],
  [{ forwarded: 'for=127.0.0.1' }, false],
  [{ via: '1.1 proxy' }, false],
  [{ origin: 'http://localhost', 'x-forwarded-proto': 'https' }, false],
])('a request with %j: %s', (headers, isHere) => {
  expect(isFromHere(headers)).toBe(isHere);
});
