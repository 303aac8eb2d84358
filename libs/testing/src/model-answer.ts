import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the model does with one request. Without anything else it answers and ends as the protocol wants it. */
export interface Script {
  /** A status other than 200, and no stream. */
  status?: number;
  /** Takes the request and answers nothing at all, not even headers. */
  mute?: boolean;
  /** Milliseconds before the first token, and after each. */
  first?: number;
  pace?: number;
  /** Tokens by hand: a `PassThrough({ objectMode: true })` gives each when the test writes it. */
  tokens?: Iterable<string> | AsyncIterable<string>;
  /** Tools that it wants called, after the tokens; arguments as an object, or as text that may be no JSON. */
  calls?: { name: string; arguments: object | string }[];
  /** What is not ASCII goes byte by byte, each in a TCP write of its own. */
  bytewise?: boolean;
  /**
   * After that it says that it is done; or it falls silent, resets the connection in the middle of a token's line,
   * closes it cleanly without `finish_reason` and `[DONE]`, or sends an error where a token belongs.
   */
  end?: 'done' | 'hang' | 'reset' | 'cut' | 'error';
}

const FRAGMENT = 7;

export async function play(script: Script, response: ServerResponse, id: string): Promise<void> {
  if (script.mute) return;
  if (script.status) return void refuse(response, script.status);
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  // A comment, as relays in between send them.
  response.write(': keep-alive\n\n');
  const chunk = (delta: object, finish_reason: string | null = null) =>
    line({
      id,
      object: 'chat.completion.chunk',
      model: 'stand-in',
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
  for (const delta of callDeltas(script.calls ?? [], id)) await send(chunk(delta));

  if (script.end === 'hang') return;
  if (script.end === 'cut') return void response.end();
  if (script.end === 'error') return void response.end(line({ error: { message: 'overloaded', code: 502 } }));
  if (script.end === 'reset') {
    response.write(chunk({ content: 'never whole' }).slice(0, -20));
    // What was written is to arrive: a reset overtakes what still waits.
    await sleep(30);
    return void response.socket?.resetAndDestroy();
  }
  await send(chunk({}, script.calls ? 'tool_calls' : 'stop'));
  response.end('data: [DONE]\n\n');
}

export function refuse(response: ServerResponse, status: number, message = `scripted ${status}`): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: { message, type: 'stand_in', code: null } }));
}

const line = (data: object) => `data: ${JSON.stringify(data)}\n\n`;

/** First a call's id and name, then its arguments in pieces. */
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
      // Long enough for the other side to read it alone.
      await sleep(1);
    }
}
