import { EventEmitter } from 'node:events';
import { IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Metrics } from '../../observability/metrics.js';
import { Unfinished } from './unfinished.js';

const MiB = 1024 * 1024;

let now: number;
let unfinished: Unfinished;
let ended: string[];
beforeEach(() => {
  now = 0;
  ended = [];
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  unfinished = new Unfinished(new Metrics());
});
afterEach(() => jest.restoreAllMocks());

const connection = (name: string, remoteAddress = '10.0.0.1') =>
  ({ remoteAddress, destroyed: false, destroy: () => ended.push(name) }) as unknown as Duplex;
const holds = (name: string, bytes: number) => unfinished.add(connection(name), bytes);

it('closes old unfinished bytes before more recent ones', () => {
  holds('old', 12 * MiB);
  now = 10_000;
  holds('new', 19 * MiB);
  now = 10_100;
  holds('last', 2 * MiB);
  expect(ended).toEqual(['old']);
});

it('closes the largest first, of those of the same age', () => {
  for (const [name, size] of Object.entries({ small: 2, largest: 16, large: 8 })) holds(name, size * MiB);
  now = 10_000;
  holds('last', 7 * MiB);
  expect(ended).toEqual(['largest']);
});

it('closes many connections of one network before single ones of others', () => {
  unfinished.add(connection('honest', '::ffff:10.0.0.2'), 2 * MiB);
  now = 1000;
  for (let i = 0; i < 29; i++) unfinished.add(connection('one of many', `2001:db8:0:${i}::1`), MiB);
  now = 2000;
  holds('last', 2 * MiB);
  expect(ended.length).toBeGreaterThan(5);
  expect(new Set(ended)).toEqual(new Set(['one of many']));
});

it('counts a request that waits for its body, which comes later or never', () => {
  const server = new EventEmitter();
  unfinished.watch(server as Server);
  const ask = (name: string, headers: object) => {
    const request = new IncomingMessage(connection(name) as Socket);
    server.emit('request', Object.assign(request, { headers }));
    return request;
  };
  ask('first', { 'content-length': '9' });
  ask('none', {});
  ask('done', { 'transfer-encoding': 'chunked' }).push(null);
  now = 1000;
  for (let i = 0; i < 4000; i++) ask('later', { 'content-length': '9' });
  expect(ended[0]).toBe('first');
  expect(ended).not.toContain('none');
  expect(ended).not.toContain('done');
});

it('counts the overhead of each piece', () => {
  const dripping = connection('dripping');
  for (let i = 0; i < (32 * MiB) / 256; i++) unfinished.add(dripping, 1);
  expect(ended).toContain('dripping');
});

it('closes a connection whose body arrives in many short pieces', () => {
  const [short, long] = [connection('short'), connection('long')];
  for (let i = 0; i < 1000; i++) for (const one of [short, long]) unfinished.add(one, 1);
  for (let i = 0; i < 1000; i++) unfinished.add(long, 1400);
  expect(ended).toEqual([]);
  unfinished.add(short, 1);
  expect(ended).toEqual(['short']);
});
