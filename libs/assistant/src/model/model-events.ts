import { ASSISTANT } from '#platform';
import { isObject } from 'class-validator';
import { setImmediate as others } from 'node:timers/promises';
import { OverBudget } from './over-budget.js';

/** Limit of bytes per answer; each event counts with its overhead. */
const { most: MAX_BYTES } = ASSISTANT.modelBytes;
const EVENT_COST = 100;
/** Limit of bytes per event, and per refusal. */
const MAX_EVENT_BYTES = 128 * 1024;
/** Limit of bytes of an answer in one piece of JSON. */
const MAX_JSON_BYTES = 1024 * 1024;
/** Bytes processed before other work gets a turn; each event counts with its overhead. */
const TURN = 32 * 1024;
/** The end of a complete stream; `finish_reason` may be missing. */
const DONE = /^data:[ \t]*\[DONE\]/m;
/** The same for the client, which does not report `[DONE]`. */
const END = Buffer.from(
  `data: ${JSON.stringify({ choices: [{ delta: {}, finish_reason: '[DONE]' }] })}\n\ndata: [DONE]\n\n`,
);

const [NEWLINE, RETURN, SPACE, BRACE] = [10, 13, 32, 123];

/**
 * `fetch` for a model server. The answer is bounded, and passed on event by event, since the client would search all
 * received data again with each piece. An answer in one piece becomes one event. A redirect is an error: the server
 * could send the conversation to another address, and read what that answers.
 */
export const fetchEvents: typeof fetch = async (input, init) => {
  const response = await fetch(input, { ...init, redirect: 'error' });
  if (!response.body) return response;
  const { status, statusText, headers } = response;
  // The types of `fetch` lack the iterator that Node's streams have.
  const bytes = response.body as unknown as AsyncIterable<Uint8Array>;
  const given = response.ok ? eventsOf(bytes) : refusalOf(bytes);
  return new Response(ReadableStream.from(given), { status, statusText, headers });
};

/** Some servers put the message of a refusal in `error`, others in the body itself. The client reads only the first. */
async function* refusalOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gathered = new Gathered();
  for await (const bytes of body) gathered.add(bytes, MAX_EVENT_BYTES);
  const text = gathered.take();
  try {
    const refusal: unknown = JSON.parse(text.toString());
    yield isObject<{ error: unknown }>(refusal) && !refusal.error
      ? Buffer.from(JSON.stringify({ error: refusal }))
      : text;
  } catch {
    yield text;
  }
}

async function* eventsOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const event = new Gathered();
  let left = MAX_BYTES;
  let taken = 0;
  let newlines = 0;
  let isJson: boolean | undefined;
  for await (const bytes of body) {
    let start = 0;
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i] === RETURN) continue;
      newlines = bytes[i] === NEWLINE ? newlines + 1 : 0;
      if (newlines === 0) isJson ??= bytes[i] === BRACE;
      if (newlines < 2 || isJson) continue;
      event.add(bytes.subarray(start, i + 1), MAX_EVENT_BYTES);
      const cost = event.length + EVENT_COST;
      if ((left -= cost) < 0) throw new OverBudget('modelBytes', 'the model sends without end');
      yield eventOf(event.take());
      start = i + 1;
      newlines = 0;
      if ((taken += cost) < TURN) continue;
      taken = 0;
      await others();
    }
    event.add(bytes.subarray(start), isJson ? MAX_JSON_BYTES : MAX_EVENT_BYTES);
  }
  const rest = event.take();
  if (isJson) yield Buffer.concat([Buffer.from('data: '), inOneLine(rest), Buffer.from('\n\n'), END]);
  else if (isWhole(eventOf(rest))) yield Buffer.concat([eventOf(rest), Buffer.from('\n\n')]);
}

/** The client searches an event again for each pair of line breaks. */
function eventOf(bytes: Buffer): Buffer {
  const event = bytes.includes(RETURN) ? Buffer.from(bytes.filter((byte) => byte !== RETURN)) : bytes;
  return event.includes('[DONE]') && DONE.test(event.toString('latin1')) ? END : event;
}

/** JSON has no line breaks within its strings. */
const inOneLine = (json: Buffer) => json.map((byte) => (byte === NEWLINE || byte === RETURN ? SPACE : byte));

/** Whether the last event only lacks its final blank line; otherwise it is incomplete. */
function isWhole(event: Buffer): boolean {
  if (event === END) return true;
  const lines = event.toString().split('\n');
  const data = lines.flatMap((line) => (line.startsWith('data:') ? [line.slice(5)] : []));
  try {
    return isObject(JSON.parse(data.join('\n')));
  } catch {
    return false;
  }
}

/** Joins bytes in linear time, however small the pieces are. */
class Gathered {
  length = 0;
  private bytes = Buffer.allocUnsafe(1024);

  add(piece: Uint8Array, max: number): void {
    const length = this.length + piece.length;
    if (length > max) throw new OverBudget('modelBytes', 'the model sends too much at once');
    if (length > this.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, 2 * this.bytes.length));
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
    this.bytes.set(piece, this.length);
    this.length = length;
  }

  /** Returns all bytes and empties the buffer. */
  take(): Buffer {
    const taken = Buffer.from(this.bytes.subarray(0, this.length));
    this.length = 0;
    return taken;
  }
}
