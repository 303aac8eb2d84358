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

/** A request of an address. @returns how often it has started or been refused, and the headers of a refusal */
function ask(address: string) {
  const setHeader = jest.fn();
  const raw = Object.assign(new EventEmitter(), { req: { socket: {} }, setHeader });
  const asked = { raw: { socket: { destroyed: false }, headers: {} }, ip: address };
  const done = jest.fn();
  hooks.onRequest!(asked, { raw }, done);
  return { done, setHeader, socket: asked.raw.socket };
}
const turn = () => new Promise(setImmediate);

/** A request whose body arrives by `arrive`, which returns the refusal, if any. A turn of the event loop starts few. */
async function begin(i: number, request: object = {}) {
  const socket = { destroyed: false };
  const raw = Object.assign(new EventEmitter(), { req: { socket }, setHeader: () => undefined });
  const asked = { raw: { socket, headers: {}, ...request }, ip: `10.0.${i >> 8}.${i % 256}` };
  let refusal: Error | undefined;
  const done = (error?: Error) => (refusal ??= error);
  hooks.onRequest!(asked, { raw }, done);
  if (i % 4 === 3) await turn();
  return {
    arrive: () => {
      if (!refusal) hooks.preValidation!(asked, { raw }, done);
      return refusal;
    },
    end: () => raw.emit('close'),
  };
}
const arrived = async (i: number, request?: object) => (await begin(i, request)).arrive();
async function refusals(from: number, to: number): Promise<Error[]> {
  const refused: Error[] = [];
  for (let i = from; i < to; i++) refused.push(...[(await arrived(i)) ?? []].flat());
  return refused;
}

it('a process handles requests of 5,000 connections, whatever their addresses', async () => {
  const first = await begin(0);
  first.arrive();
  expect(await refusals(1, 5000)).toEqual([]);
  expect(await arrived(5000)).toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: 2000 });
  // An orchestrator still finds the process alive.
  const probe = { method: 'GET', url: '/health/live' };
  expect(await arrived(5002, probe)).toBeUndefined();
  for (const headers of [{ 'content-length': '9' }, { 'transfer-encoding': 'chunked' }])
    expect(await arrived(5003, { ...probe, headers })).toMatchObject({ code: 'UNAVAILABLE' });
  expect(await arrived(5003, { ...probe, url: '/healthy' })).toMatchObject({ code: 'UNAVAILABLE' });
  first.end();
  expect(await arrived(5000)).toBeUndefined();
  expect(await arrived(5001)).toMatchObject({ code: 'UNAVAILABLE' });
});

it('requests without their body take no places', async () => {
  const slow: Awaited<ReturnType<typeof begin>>[] = [];
  for (let i = 0; i < 6000; i++) slow.push(await begin(i));
  const late = slow.pop()!;
  expect(await refusals(6000, 11_000)).toEqual([]);
  expect(late.arrive()).toMatchObject({ code: 'UNAVAILABLE' });
  for (const { end } of slow) end();
  expect(await arrived(11_000)).toMatchObject({ code: 'UNAVAILABLE' });
});

it('a client with many connections delays no client of another address', async () => {
  const flood = Array.from({ length: 1000 }, () => ask('10.0.0.1'));
  const started = () => flood.filter(({ done }) => done.mock.calls.length > 0).length;
  expect(started()).toBe(4);
  const honest = ask('10.0.0.2');
  await turn();
  expect(honest.done).toHaveBeenCalledTimes(1);
  expect(started()).toBe(7);
});

it('a request that waits does not start after its connection has closed', async () => {
  const [closed] = Array.from({ length: 5 }, () => ask('10.0.0.1')).slice(4);
  closed!.socket.destroyed = true;
  await turn();
  expect(closed!.done).not.toHaveBeenCalled();
});

it('a connection beyond the limit of its address closes with the refusal', () => {
  for (let i = 0; i < 2000; i++) ask('10.0.0.1');
  const { done, setHeader } = ask('10.0.0.1');
  expect(done).toHaveBeenCalledWith(expect.objectContaining({ code: 'RATE_LIMIT' }));
  expect(setHeader).toHaveBeenCalledWith('connection', 'close');
});
