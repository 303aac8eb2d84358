import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** The behaviour of the model for one request. By default it answers and ends according to the protocol. */
export interface Script {
  /** A status other than 200 instead of a stream, with this body or a standard one. */
  status?: number;
  refusal?: object | string;
  /** An answer as a single JSON document, although a stream was requested. */
  whole?: object;
  /** Takes the request and never answers, not even with headers. */
  mute?: boolean;
  /** Milliseconds before the first token, and after each token. */
  first?: number;
  pace?: number;
  /** The tokens. With a `PassThrough({ objectMode: true })`, the test writes them one by one. */
  tokens?: Iterable<string> | AsyncIterable<string>;
  /** Tool calls after the tokens; arguments as an object, or as text that may be invalid JSON. */
  calls?: { name: string; arguments: object | string }[];
  /** Raw deltas after the calls, in the formats of other servers. */
  deltas?: object[];
  /** Raw events after the deltas: a chunk as an object, or the text of the stream. */
  events?: Iterable<object | string> | AsyncIterable<object | string>;
  /** The finish reason at the end. */
  finish?: string | null;
  /** Sends non-ASCII characters byte by byte, each in its own TCP write. */
  bytewise?: boolean;
  /**
   * The end of the answer: a normal end; no further data; a connection reset in the middle of a token's line; a clean
   * close without `finish_reason` and `[DONE]`; or an error in place of a token.
   */
  end?: 'done' | 'hang' | 'reset' | 'cut' | 'error';
}

const FRAGMENT = 7;

export async function play(script: Script, response: ServerResponse, id: string): Promise<void> {
  if (script.mute) return;
  if (script.status) return void refuse(response, script.status, script.refusal);
  if (script.whole) return void response.end(JSON.stringify(script.whole, undefined, 2));
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  // A comment, as intermediate proxies send them.
  response.write(': keep-alive\n\n');
  const chunk = (delta: object, finish_reason: string | null = null) =>
    line({
      id,
      object: 'chat.completion.chunk',
      model: 'test-model',
      choices: [{ index: 0, delta, finish_reason }],
    });
  const send = (text: string) => write(response, text, script.bytewise);
  await send(chunk({ role: 'assistant', content: '' }));
  if (script.first) await sleep(script.first);
  for await (const content of script.tokens ?? []) {
    if (response.destroyed) return;
    await send(chunk({ content }));
    if (script.pace) await sleep(script.pace);
  }
  for (const delta of [...callDeltas(script.calls ?? [], id), ...(script.deltas ?? [])])
    await send(chunk(delta));
  for await (const event of script.events ?? []) {
    if (response.destroyed) return;
    response.write(typeof event === 'string' ? event : line(event));
    while (response.writableNeedDrain && !response.destroyed) await sleep(1);
  }

  if (script.end === 'hang') return;
  if (script.end === 'cut') return void response.end();
  if (script.end === 'error') return void response.end(line({ error: { message: 'overloaded', code: 502 } }));
  if (script.end === 'reset') {
    response.write(chunk({ content: 'never whole' }).slice(0, -20));
    // Lets written data arrive: a reset overtakes data that is still queued.
    await sleep(30);
    return void response.socket?.resetAndDestroy();
  }
  const { finish = script.calls ? 'tool_calls' : 'stop' } = script;
  await send(chunk({}, finish));
  response.end('data: [DONE]\n\n');
}

export function refuse(
  response: ServerResponse,
  status: number,
  body: object | string = { error: { message: `scripted ${status}`, type: 'stand_in', code: null } },
): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

const line = (data: object) => `data: ${JSON.stringify(data)}\n\n`;

/** First the id and name of a call, then its arguments in pieces. */
function callDeltas(calls: NonNullable<Script['calls']>, id: string): object[] {
  return calls.flatMap(({ name, arguments: given }, index) => {
    const text = typeof given === 'string' ? given : JSON.stringify(given);
    const size = Math.max(FRAGMENT, Math.ceil(text.length / 100));
    const pieces = text.match(new RegExp(`[^]{1,${size}}`, 'gu')) ?? [];
    return [
      { index, id: `call-${id}-${index}`, type: 'function', function: { name, arguments: '' } },
      ...pieces.map((piece) => ({ index, function: { arguments: piece } })),
    ].map((call) => ({ tool_calls: [call] }));
  });
}

async function write(response: ServerResponse, text: string, bytewise = false): Promise<void> {
  if (!bytewise) return void response.write(text);
  for (const piece of text.split(/([^\0-\x7f])/u))
    for (const part of piece.length > 2 || piece < '\x80' ? [piece] : Buffer.from(piece)) {
      if (part === '') continue;
      response.write(typeof part === 'string' ? part : Buffer.from([part]));
      // Long enough for the other side to read each byte separately.
      await sleep(1);
    }
}
