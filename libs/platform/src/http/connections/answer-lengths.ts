import type { FastifyInstance } from 'fastify';
import type { ServerResponse } from 'node:http';

const MADE = Symbol('answer made');
/** Node.js takes four times as long to write a long string as to encode it first. Characters. */
const LONG = 16 * 1024;
const lengths = new WeakMap<ServerResponse, number>();

/** Before compression: what an answer costs to make. */
export function recordAnswerLengths(fastify: FastifyInstance): void {
  fastify.addHook('onSend', (_request, { raw }, payload, done) => {
    if (typeof payload === 'string') lengths.set(raw, payload.length);
    raw.emit(MADE);
    done(null, typeof payload === 'string' && payload.length > LONG ? Buffer.from(payload) : payload);
  });
}

/** Characters; 0 of one that has not been made. */
export const answerLength = (answer: ServerResponse): number => lengths.get(answer) ?? 0;

/** Resolves when the answer has been made, and the client has yet to take it. */
export const whenMade = (answer: ServerResponse): Promise<void> =>
  new Promise((resolve) => answer.once(MADE, resolve));
