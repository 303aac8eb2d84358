import type { FastifyInstance } from 'fastify';
import { EventEmitter } from 'node:events';
import { Config } from '../../config/config.js';
import { Metrics } from '../../observability/metrics.js';
import { RequestsInWork } from './requests-in-work.js';

type Hook = (request: object, reply: object, done: (error?: Error) => void) => void;

let hooks: Record<string, Hook>;
beforeEach(() => {
  hooks = {};
  const requests = new RequestsInWork(new Config(), new Metrics());
  requests.watch({
    addHook: (name: string, hook: Hook) => (hooks[name] = hook),
  } as unknown as FastifyInstance);
});

/** A request whose body arrives by `arrive`, which returns the refusal, if any. */
function begin(i: number, request: object = {}) {
  const socket = { destroyed: false };
  const raw = Object.assign(new EventEmitter(), { req: { socket } });
  const asked = { raw: { socket }, ip: `10.0.${i >> 8}.${i % 256}`, headers: {}, ...request };
  let refusal: Error | undefined;
  const done = (error?: Error) => (refusal ??= error);
  hooks.onRequest!(asked, { raw }, done);
  return {
    arrive: () => {
      if (!refusal) hooks.preValidation!(asked, { raw }, done);
      return refusal;
    },
    end: () => raw.emit('close'),
  };
}
const arrived = (i: number, request?: object) => begin(i, request).arrive();

it('a process handles requests of 5,000 connections, whatever their addresses', () => {
  const first = begin(0);
  first.arrive();
  for (let i = 1; i < 5000; i++) expect(arrived(i)).toBeUndefined();
  expect(arrived(5000)).toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: 2000 });
  // An orchestrator still finds the process alive.
  const probe = { method: 'GET', url: '/health/live' };
  expect(arrived(5002, probe)).toBeUndefined();
  for (const headers of [{ 'content-length': '9' }, { 'transfer-encoding': 'chunked' }])
    expect(arrived(5003, { ...probe, headers })).toMatchObject({ code: 'UNAVAILABLE' });
  expect(arrived(5003, { ...probe, url: '/healthy' })).toMatchObject({ code: 'UNAVAILABLE' });
  first.end();
  expect(arrived(5000)).toBeUndefined();
  expect(arrived(5001)).toMatchObject({ code: 'UNAVAILABLE' });
});

it('requests without their body take no places', () => {
  const slow = Array.from({ length: 6000 }, (_, i) => begin(i));
  const late = slow.pop()!;
  for (let i = 6000; i < 11_000; i++) expect(arrived(i)).toBeUndefined();
  expect(late.arrive()).toMatchObject({ code: 'UNAVAILABLE' });
  for (const { end } of slow) end();
  expect(arrived(11_000)).toMatchObject({ code: 'UNAVAILABLE' });
});
