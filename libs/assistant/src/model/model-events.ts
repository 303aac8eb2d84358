import { ASSISTANT } from '#platform';
import { isObject } from 'class-validator';
import { setImmediate as others } from 'node:timers/promises';
import { OverBudget } from './over-budget.js';

/** The most bytes of one answer, each event counted with what it costs beside its bytes. */
const { most: MAX_BYTES } = ASSISTANT.modelBytes;
const EVENT_COST = 100;
/** The most bytes of one event, and of a refusal. */
const MAX_EVENT_BYTES = 128 * 1024;
/** The most bytes of an answer in one piece of JSON. */
const MAX_JSON_BYTES = 1024 * 1024;
/** What is taken before others have their turn: bytes, each event counted as above. */
const TURN = 32 * 1024;
/** How a stream says that it is whole; `finish_reason` may be missing. */
const DONE = /^data:[ \t]*\[DONE\]/m;
/** The same for the client, which does not tell of `[DONE]`. */
const END = Buffer.from(
  `data: ${JSON.stringify({ choices: [{ delta: {}, finish_reason: '[DONE]' }] })}\n\ndata: [DONE]\n\n`,
);

const [NEWLINE, RETURN, SPACE, BRACE] = [10, 13, 32, 123];

/**
 * `fetch` for a model server, whose answer costs no more than its length: it is bounded, and given on event by event, as
 * the client would search what it has anew with each piece. An answer in one piece becomes one event.
 */
export const fetchEvents: typeof fetch = async (input, init) => {
  const response = await fetch(input, init);
  if (!response.body) return response;
  const { status, statusText, headers } = response;
  const bytes = response.body as unknown as AsyncIterable<Uint8Array>;
  const given = response.ok ? eventsOf(bytes) : refusalOf(bytes);
  return new Response(ReadableStream.from(given), { status, statusText, headers });
};

/** A refusal has its words in `error`, or in its body itself: the client knows the first only. */
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

/** The client searches an event anew for each pair of returns. */
function eventOf(bytes: Buffer): Buffer {
  const event = bytes.includes(RETURN) ? Buffer.from(bytes.filter((byte) => byte !== RETURN)) : bytes;
  return event.includes('[DONE]') && DONE.test(event.toString('latin1')) ? END : event;
}

/** JSON has no ends of lines within its texts. */
const inOneLine = (json: Buffer) => json.map((byte) => (byte === NEWLINE || byte === RETURN ? SPACE : byte));

/** Whether the last event only lacks the blank line after it; else it was cut off. */
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

/** Bytes put together in linear time, however small their pieces are. */
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

  /** All of them; it is empty then. */
  take(): Buffer {
    const taken = Buffer.from(this.bytes.subarray(0, this.length));
    this.length = 0;
    return taken;
  }
}
