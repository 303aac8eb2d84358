import { isObject } from 'class-validator';
import { setImmediate as others } from 'node:timers/promises';

/** The most bytes of one answer, each event counted with what it costs beside its bytes. */
const MAX_BYTES = 32 * 1024 * 1024;
const EVENT_COST = 100;
/** The most bytes of one event, of an answer in one piece, and of a refusal. */
const MAX_EVENT_BYTES = 1024 * 1024;
/** How many events are taken before others have their turn. */
const TURN = 200;

const [NEWLINE, RETURN, BRACE] = [10, 13, 123];

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
  for await (const bytes of body) gathered.add(bytes);
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
  let count = 0;
  let newlines = 0;
  let isJson: boolean | undefined;
  for await (const bytes of body) {
    let start = 0;
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i] === RETURN) continue;
      newlines = bytes[i] === NEWLINE ? newlines + 1 : 0;
      if (newlines === 0) isJson ??= bytes[i] === BRACE;
      if (newlines < 2 || isJson) continue;
      event.add(bytes.subarray(start, i + 1));
      if ((left -= event.length + EVENT_COST) < 0) throw new Error('the model goes on without end');
      yield event.take();
      start = i + 1;
      newlines = 0;
      if (++count % TURN === 0) await others();
    }
    event.add(bytes.subarray(start));
  }
  if (event.length > 0) yield isJson ? asEvent(event.take()) : event.take();
}

/** @throws SyntaxError when it is no JSON */
function asEvent(answer: Buffer): Buffer {
  return Buffer.from(`data: ${JSON.stringify(JSON.parse(answer.toString()))}\n\n`);
}

/** Bytes put together in linear time, however small their pieces are. */
class Gathered {
  length = 0;
  private bytes = Buffer.allocUnsafe(1024);

  add(piece: Uint8Array): void {
    const length = this.length + piece.length;
    if (length > MAX_EVENT_BYTES) throw new Error('the model sends too much at once');
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
