import { PassThrough } from 'node:stream';
import { ModelServer } from './model-server.js';

let model: ModelServer;
beforeEach(async () => (model = await ModelServer.start()));
afterEach(() => model.stop());

const QUESTION = [{ role: 'user', content: 'Привет' }];

/** Node's own types do not say which chunks its streams carry. */
const bytesOf = (response: Response) => response.body as ReadableStream<Uint8Array>;

const ask = (messages: object[] = QUESTION, signal?: AbortSignal) =>
  fetch(`${model.url}/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer test', 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'test-model', stream: true, messages }),
    signal,
  });

interface Choice {
  delta: { content?: string; tool_calls?: { id?: string; function: { name?: string; arguments: string } }[] };
  finish_reason: string | null;
}

const lines = (text: string) => text.split('\n\n').filter((line) => line.startsWith('data: '));
const choices = (text: string) =>
  lines(text)
    .filter((line) => line.startsWith('data: {'))
    .map((line) => (JSON.parse(line.slice(6)) as { choices: [Choice] }).choices[0]);
const said = (text: string) => choices(text).map(({ delta }) => delta.content ?? '');

it('answers with the next script, then with the standing one, and records its requests', async () => {
  model.answerAlways({ tokens: ['always'] });
  model.answerWith({ tokens: ['one', ' ', 'two'] });
  const first = await (await ask()).text();
  expect(said(first).join('|')).toBe('|one| |two|');
  expect(choices(first).at(-1)!.finish_reason).toBe('stop');
  expect(lines(first).at(-1)).toBe('data: [DONE]');
  expect(said(await (await ask()).text()).join('')).toBe('always');
  expect(model.requests).toHaveLength(2);
  expect(model.prompt).toEqual(['user: Привет']);
});

it('sends tokens when the test writes them, and notices a disconnected client', async () => {
  const tokens = new PassThrough({ objectMode: true });
  model.answerWith({ tokens });
  const gone = new AbortController();
  const reader = bytesOf(await ask(QUESTION, gone.signal)).getReader();
  await model.request(1);
  tokens.write('now');
  let text = '';
  while (!text.includes('now')) text += new TextDecoder().decode((await reader.read()).value);
  expect(model.aborted).toBe(0);
  gone.abort();
  await model.until(() => model.aborted === 1);
});

it.each(['reset', 'cut'] as const)('disconnects: %s', async (end) => {
  model.answerWith({ tokens: ['half'], end });
  const reader = bytesOf(await ask()).getReader();
  let text = '';
  const read = async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read())
      text += new TextDecoder().decode(part.value);
  };
  if (end === 'reset') await expect(read()).rejects.toThrow();
  else await read();
  expect(text).toContain('half');
  expect(text).not.toContain('[DONE]');
  expect(text.endsWith('\n\n')).toBe(end === 'cut');
  expect(model.aborted).toBe(0);
});

it.each([{ mute: true }, { tokens: [], end: 'hang' as const }])('hangs: %j', async (script) => {
  model.answerWith(script);
  const text = ask(QUESTION, AbortSignal.timeout(200)).then((response) => response.text());
  await expect(text).rejects.toThrow('timeout');
});

it('refuses with a status', async () => {
  model.answerWith({ status: 429 });
  expect((await ask()).status).toBe(429);
});

it('splits characters into their bytes', async () => {
  model.answerWith({ tokens: ['Щ', '👍🏽', 'a'], bytewise: true });
  const pieces: Uint8Array[] = [];
  for await (const piece of bytesOf(await ask())) pieces.push(piece);
  expect(said(Buffer.concat(pieces).toString()).join('')).toBe('Щ👍🏽a');
  const within = pieces.filter(({ length }) => length === 1).map(([byte]) => byte);
  expect(Buffer.from(within as number[]).toString()).toBe('Щ👍🏽');
});

it('calls tools in fragments, and requires each result', async () => {
  model.answerWith({ calls: [{ name: 'search', arguments: { query: 'маникюр' } }] });
  const deltas = choices(await (await ask()).text()).flatMap(({ delta }) => delta.tool_calls ?? []);
  expect(deltas[0]).toMatchObject({ id: expect.any(String), function: { name: 'search' } });
  expect(deltas.length).toBeGreaterThan(3);
  const args = deltas.map((delta) => delta.function.arguments).join('');
  expect(JSON.parse(args)).toEqual({ query: 'маникюр' });
  const asked = { role: 'assistant', content: null, tool_calls: [{ id: 'a' }, { id: 'b' }] };
  const result = { role: 'tool', tool_call_id: 'a', content: '[]' };
  expect((await ask([...QUESTION, asked, result])).status).toBe(400);
  expect((await ask([...QUESTION, asked, result, { ...result, tool_call_id: 'b' }])).status).toBe(200);
  expect(model.violations).toEqual(['the last tool calls have no result']);
});
