import type { FastifyInstance } from 'fastify';
import { EventEmitter } from 'node:events';
import { Config } from '../config.js';
import { Metrics } from '../metrics.js';
import { RequestsInWork } from './requests-in-work.js';

type Hook = (request: object, reply: object, done: (error?: Error) => void) => void;

it('a process works on the requests of 5,000 connections, whatever their addresses', () => {
  const requests = new RequestsInWork(new Config(), new Metrics());
  let hook!: Hook;
  requests.watch({ addHook: (_: string, added: Hook) => (hook = added) } as unknown as FastifyInstance);
  /** @returns what ends the request, or the error that refuses it */
  const begin = (i: number, request: object = {}): Error | (() => void) => {
    const socket = { destroyed: false };
    const raw = Object.assign(new EventEmitter(), { req: { socket } });
    let answer: Error | (() => void) = () => raw.emit('close');
    hook(
      { raw: { socket }, ip: `10.0.${i >> 8}.${i % 256}`, ...request },
      { raw },
      (error) => (answer = error ?? answer),
    );
    return answer;
  };
  const [first] = Array.from({ length: 5000 }, (_, i) => begin(i));
  expect(begin(5000)).toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: 2000 });
  // An orchestrator finds the process alive.
  const probe = { method: 'GET', url: '/health/live', headers: {} };
  (begin(5002, probe) as () => void)();
  for (const held of [{ 'content-length': '9' }, { 'transfer-encoding': 'chunked' }])
    expect(begin(5003, { ...probe, headers: held })).toMatchObject({ code: 'UNAVAILABLE' });
  expect(begin(5003, { ...probe, url: '/healthy' })).toMatchObject({ code: 'UNAVAILABLE' });
  (first as () => void)();
  expect(begin(5000)).not.toBeInstanceOf(Error);
  expect(begin(5001)).toMatchObject({ code: 'UNAVAILABLE' });
});
