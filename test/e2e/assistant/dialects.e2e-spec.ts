import type { ModelMessage, Script } from '#testing';
import { APOLOGY, begin, exchange, Scene, TIMEOUT, type Complete, type Conversation } from './scene.js';

let scene: Scene;
let conversation: Conversation;
beforeAll(async () => {
  scene = await Scene.start({ ASSISTANT_TEMPERATURE: '0.7', ASSISTANT_TIMEOUT_MS: String(5 * TIMEOUT) });
});
afterAll(() => scene.stop());
beforeEach(async () => (conversation = await scene.chat()));

const CALLS = [
  { name: 'search_services', arguments: '{"query":"маник"}' },
  { name: 'search_masters', arguments: '{"query":"Вера"}' },
];
const [NAILS, VERA] = CALLS;
const chunk = (delta: object, finish_reason: string | null = null) => ({
  choices: [{ index: 0, delta, finish_reason }],
});
const message = {
  role: 'assistant',
  content: null,
  tool_calls: CALLS.map((called) => ({ function: called })),
};

const SHAPES: [string, Script, ids?: string[]][] = [
  [
    'the same index',
    {
      deltas: [
        { tool_calls: [{ index: 0, id: 'c1', function: NAILS }] },
        { tool_calls: [{ index: 0, id: 'c2', function: VERA }] },
      ],
      finish: 'tool_calls',
    },
    ['c1', 'c2'],
  ],
  [
    'no index, and an ordinary end',
    {
      deltas: [
        { tool_calls: [{ id: 'c1', function: NAILS }] },
        { tool_calls: [{ id: 'c2', function: VERA }] },
      ],
    },
    ['c1', 'c2'],
  ],
  ['no ids, in one chunk', { deltas: [{ tool_calls: message.tool_calls }] }],
  [
    'an object for arguments',
    {
      deltas: CALLS.map((called) => ({
        tool_calls: [{ function: { ...called, arguments: JSON.parse(called.arguments) as object } }],
      })),
    },
  ],
  [
    'a whole message in the stream',
    { events: [{ choices: [{ index: 0, message, finish_reason: 'stop' }] }] },
  ],
  [
    'a whole message instead of a stream',
    { whole: { choices: [{ index: 0, message, finish_reason: 'tool_calls' }] } },
  ],
  [
    'lines that end as on Windows, in small pieces',
    {
      events: `data: ${JSON.stringify(chunk({ tool_calls: message.tool_calls }))}\r\n\r\n`.match(
        /[^]{1,50}/g,
      )!,
    },
  ],
];

it.each(SHAPES)('several parallel calls by %s are all answered', async (...shape) => {
  const [, script, ids] = shape;
  const before = scene.model.requests.length;
  scene.model.answerWith(script, { tokens: ['Вот', ' они'] });
  expect(await exchange(conversation.client, 'Кто делает маникюр?')).toMatchObject({
    content: 'Вот они',
    status: 'complete',
  });
  expect(scene.model.requests).toHaveLength(before + 2);
  const [asked, ...results] = scene.model.requests.at(-1)!.messages.slice(2) as [
    ModelMessage,
    ...ModelMessage[],
  ];
  expect(asked.tool_calls!.map(({ function: called }) => called)).toEqual(CALLS);
  const given = asked.tool_calls!.map(({ id }) => id);
  if (ids) expect(given).toEqual(ids);
  expect(new Set(given).size).toBe(2);
  expect(results.map(({ role, tool_call_id }) => [role, tool_call_id])).toEqual(
    given.map((id) => ['tool', id]),
  );
  for (const { content } of results) expect(JSON.parse(content!)).toHaveProperty('items');
});

it('a server gets back its extra call data, and call ids that are unique over rounds', async () => {
  const extra_content = { google: { thought_signature: 'abc' } };
  const call = { id: 'same', function: { name: 'my_bookings', arguments: '' }, extra_content };
  scene.model.answerWith(
    { deltas: [{ reasoning_content: 'hm' }, { tool_calls: [call] }] },
    { deltas: [{ tool_calls: [call] }] },
  );
  expect((await exchange(conversation.client, 'Мои записи?')).status).toBe('complete');
  const asked = scene.model.requests.at(-1)!.messages.filter(({ role }) => role === 'assistant');
  expect(asked[0]).toMatchObject({ reasoning_content: 'hm', tool_calls: [{ id: 'same', extra_content }] });
  expect(asked[0]!.tool_calls![0]!.function.arguments).toBe('{}');
  expect(asked[1]!.tool_calls![0]!.id).not.toBe('same');
});

const calls = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    index,
    id: `c${index}`,
    function: { name: 'my_bookings' },
  }));

function* forever(event: object | string) {
  for (;;) yield event;
}

it.each<[string, Script]>([
  ['thousands of calls', { deltas: [{ tool_calls: calls(5_000) }], finish: 'tool_calls' }],
  ['thousands of calls, one by one', { deltas: calls(2_000).map((call) => ({ tool_calls: [call] })) }],
  [
    'endless arguments',
    { events: forever(chunk({ tool_calls: [{ index: 0, function: { arguments: 'x'.repeat(1000) } }] })) },
  ],
  ['an event of very many fragments', { deltas: [{ tool_calls: Array<object>(40_000).fill({}) }] }],
  ['an endless event', { events: forever('x'.repeat(100_000)) }],
  ['endless comments', { events: forever(': keep-alive\n\n'.repeat(1000)) }],
  [
    'an endless answer in one piece',
    { events: ['{', ...'  '.repeat(12)].concat(Array<string>(12).fill(' '.repeat(100_000))) },
  ],
  [
    'a one-piece answer of very many fragments',
    {
      whole: {
        choices: [{ message: { tool_calls: Array<number>(100_000).fill(0) }, finish_reason: 'stop' }],
      },
    },
  ],
  ['an answer of thoughts only', { tokens: ['<think>', 'hm', '</think>\n'] }],
  ['invalid JSON', { events: ['data: {not json\n\n'] }],
  ['an endless refusal', { status: 400, refusal: 'x'.repeat(2_000_000) }],
  ['an endless call', { deltas: [{ tool_calls: [{ index: 1e9, function: { name: 'x' } }] }], end: 'cut' }],
])('%s: the answer fails, and the process goes on', async (_, script) => {
  scene.model.answerWith(script);
  const messageId = await begin(conversation.client, 'Вопрос');
  expect(await conversation.client.next('error')).toMatchObject({ code: 'ASSISTANT_UNAVAILABLE', messageId });
  expect(await conversation.client.next<Complete>('assistant_message_complete')).toMatchObject({
    content: APOLOGY,
  });
  expect((await exchange(conversation.client, 'Дальше')).status).toBe('complete');
});

it.each([1e9, -1, 0.5, 2 ** 53, 'x', '__proto__', null])('a call with the index %p is run', async (index) => {
  scene.model.answerWith({ deltas: [{ tool_calls: [{ index, id: 'c1', function: NAILS }] }] });
  expect((await exchange(conversation.client, 'Вопрос')).status).toBe('complete');
  expect(scene.model.requests.at(-1)!.messages.at(-1)).toMatchObject({ role: 'tool', tool_call_id: 'c1' });
});

it('deeply nested arguments are reported to the model as an error', async () => {
  const deep = `{"query":${'['.repeat(5000)}${']'.repeat(5000)}}`;
  scene.model.answerWith({ deltas: [{ tool_calls: [{ function: { ...NAILS, arguments: deep } }] }] });
  expect((await exchange(conversation.client, 'Вопрос')).status).toBe('complete');
  expect(scene.model.requests.at(-1)!.messages.at(-1)!.content).toContain('error');
});

it('an answer of one very long token is truncated', async () => {
  scene.model.answerWith({ tokens: ['x'.repeat(120_000)] });
  const { content, status } = await exchange(conversation.client, 'Вопрос');
  expect([content.length, status]).toEqual([100_000, 'complete']);
});

it.each<[string, Script, string]>([
  ['a refusal', { deltas: [{ refusal: 'Об этом ' }, { refusal: 'не говорю.' }] }, 'Об этом не говорю.'],
  [
    'parts',
    { deltas: [{ content: [{ type: 'text', text: 'Да' }] }, { content: [{ type: 'text', text: '.' }] }] },
    'Да.',
  ],
  [
    'one piece instead of a stream',
    { whole: { choices: [{ message: { content: 'Да.' }, finish_reason: 'stop' }] } },
    'Да.',
  ],
  [
    'text that ends with only [DONE]',
    { events: [chunk({ content: 'Да' }), 'data: [DONE]\n\n'], end: 'cut' },
    'Да',
  ],
  [
    'text whose [DONE] lacks its blank line',
    { events: [chunk({ content: 'Да' }), 'data:[DONE]'], end: 'cut' },
    'Да',
  ],
  [
    'text whose last event lacks its blank line',
    { events: [`data: ${JSON.stringify(chunk({ content: 'Да' }, 'stop'))}\r\n`], end: 'cut' },
    'Да',
  ],
  [
    'text with an event that was truncated after its end',
    { events: [chunk({ content: 'Да' }, 'stop'), 'data: {"usage":{"total'], end: 'cut' },
    'Да',
  ],
  ['truncated text', { tokens: ['Да'], finish: 'length' }, 'Да'],
  ['text after thoughts', { deltas: [{ reasoning: 'hm' }, { content: 'Да' }] }, 'Да'],
])('%s: it becomes the answer', async (_, script, content) => {
  scene.model.answerWith(script);
  expect(await exchange(conversation.client, 'Вопрос')).toMatchObject({ content, status: 'complete' });
  expect(conversation.client.all('error')).toEqual([]);
});

const refusal = (param: string | null, text: string) => ({
  error: { message: text, type: 'invalid', param, code: 'x' },
});

it.each<[string, number, object, string[]]>([
  [
    'OpenAI, temperature',
    400,
    refusal('temperature', "Unsupported value: 'temperature' does not support 0.7"),
    ['tools'],
  ],
  ['Mistral, temperature', 400, { object: 'error', message: 'temperature is fixed', type: 'x' }, ['tools']],
  [
    'FastAPI, temperature',
    422,
    { detail: [{ loc: ['body', 'temperature'], msg: 'Extra inputs' }] },
    ['tools'],
  ],
  [
    'Ollama, tools',
    400,
    { error: 'registry.ollama.ai/library/gemma3:4b does not support tools' },
    ['temperature'],
  ],
  ['Ollama’s protocol, tools', 400, refusal(null, 'x does not support tools'), ['temperature']],
  [
    'vLLM, tools',
    400,
    { object: 'error', message: '"auto" tool choice requires --enable-auto-tool-choice' },
    ['temperature'],
  ],
  ['llama.cpp, tools', 500, refusal(null, 'tools param requires --jinja flag'), ['temperature']],
  ['OpenRouter, tools', 404, refusal(null, 'No endpoints found that support tool use'), ['temperature']],
])('a parameter that a server refuses is omitted on the retry: %s', async (_, status, body, left) => {
  const before = scene.model.requests.length;
  scene.model.answerWith({ status, refusal: body });
  expect((await exchange(conversation.client, 'Вопрос')).status).toBe('complete');
  const sent = scene.model.requests
    .slice(before)
    .map((request) => ['temperature', 'tools'].filter((name) => name in request));
  expect(sent).toEqual([['temperature', 'tools'], left]);
});

it.each<[string, Script[], number]>([
  [
    'the same parameter again',
    Array<Script>(3).fill({ status: 400, refusal: refusal('temperature', 'no') }),
    2,
  ],
  ['something else', [{ status: 400, refusal: refusal('messages', 'too long') }], 1],
  ['a key', [{ status: 401, refusal: refusal(null, 'no tools and temperature without a supported key') }], 1],
])('a server that refuses %s is not retried for ever', async (_, scripts, requests) => {
  const before = scene.model.requests.length;
  scene.model.answerWith(...scripts);
  expect((await exchange(conversation.client, 'Вопрос')).status).toBe('apology');
  expect(scene.model.requests).toHaveLength(before + requests);
  scene.model.forget();
});

it('a stop takes effect between two calls', async () => {
  scene.model.answerWith({ deltas: [{ tool_calls: calls(16) }], finish: 'tool_calls' });
  const before = scene.model.requests.length;
  await scene.begin(conversation.client, 'Вопрос');
  conversation.client.send('stop');
  expect((await conversation.client.next<Complete>('assistant_message_complete')).status).toBe('stopped');
  expect(scene.model.requests.length - before).toBeLessThanOrEqual(2);
});
