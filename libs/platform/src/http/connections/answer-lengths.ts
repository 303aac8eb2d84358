import type { FastifyInstance } from 'fastify';
import type { ServerResponse } from 'node:http';

const MADE = Symbol('answer made');
/** Longer strings are encoded first: Node.js takes four times as long to write them as strings. Characters. */
const LONG = 16 * 1024;
const lengths = new WeakMap<ServerResponse, number>();

/** Records lengths before compression, which reflect the cost of an answer. */
export function recordAnswerLengths(fastify: FastifyInstance): void {
  fastify.addHook('onSend', (_request, { raw }, payload, done) => {
    if (typeof payload === 'string') lengths.set(raw, payload.length);
    raw.emit(MADE);
    done(null, typeof payload === 'string' && payload.length > LONG ? Buffer.from(payload) : payload);
  });
}

/** Characters; 0 before the answer has been created. */
export const answerLength = (answer: ServerResponse): number => lengths.get(answer) ?? 0;

/** Resolves when the answer has been created. The client may not have read it yet. */
export const whenMade = (answer: ServerResponse): Promise<void> =>
  new Promise((resolve) => answer.once(MADE, resolve));
