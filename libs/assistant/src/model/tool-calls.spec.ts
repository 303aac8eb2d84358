import { MAX_CALLS, ToolCalls } from './tool-calls.js';

const TOOLS = ['search_services', 'search_masters', 'free_slots', 'my_bookings'];

/** The calls from fragments, each chunk with some of them. */
function callsOf(chunks: unknown[], ids = new Set<string>()) {
  const calls = new ToolCalls((name) => TOOLS.includes(name));
  for (const chunk of chunks) calls.add(chunk);
  return calls.finish(ids);
}

const received = (chunks: unknown[]) =>
  callsOf(chunks).map(({ function: called }) => [called.name, called.arguments]);

const NAILS = ['search_services', '{"query":"маник"}'];
const VERA = ['search_masters', '{"query":"Вера"}'];
const fn = ([name, args]: string[]) => ({ name, arguments: args });

const SHAPES: [string, unknown[], expected?: string[][]][] = [
  [
    'OpenAI: id and name once, then pieces',
    [
      [{ index: 0, id: 'c1', type: 'function', function: { name: 'search_services', arguments: '' } }],
      [{ index: 0, function: { arguments: '{"query":' } }],
      [{ index: 0, function: { arguments: '"маник"}' } }],
      [{ index: 1, id: 'c2', type: 'function', function: { name: 'search_masters', arguments: '' } }],
      [{ index: 1, function: { arguments: '{"query":"Вера"}' } }],
    ],
  ],
  [
    'llama.cpp: pieces of two calls in turn',
    [
      [{ index: 0, id: 'c1', function: { name: 'search_services', arguments: '{"query' } }],
      [{ index: 1, id: 'c2', function: { name: 'search_masters', arguments: '{"query' } }],
      [
        { index: 0, function: { arguments: '":"маник"}' } },
        { index: 1, function: { arguments: '":"Вера"}' } },
      ],
    ],
  ],
  [
    'Ollama: each index is 0',
    [[{ index: 0, id: 'c1', function: fn(NAILS) }], [{ index: 0, id: 'c2', function: fn(VERA) }]],
  ],
  [
    'Ollama: each index is 0, in pieces, the id once',
    [
      [{ index: 0, id: 'c1', function: { name: 'search_services', arguments: '' } }],
      [{ index: 0, function: { arguments: '{"query":"маник"}' } }],
      [{ index: 0, id: 'c2', function: { name: 'search_masters', arguments: '' } }],
      [{ index: 0, function: { arguments: '{"query":"Вера"}' } }],
    ],
  ],
  [
    'older Ollama, Gemini: no index',
    [[{ id: 'c1', function: fn(NAILS) }], [{ id: 'c2', function: fn(VERA) }]],
  ],
  [
    'Gemini: no index, in pieces',
    [
      [{ id: 'c1', function: { name: 'search_services', arguments: '{"query":' } }],
      [{ function: { arguments: '"маник"}' } }],
      [{ id: 'c2', function: fn(VERA) }],
    ],
  ],
  [
    'Ollama’s own protocol: an object, the index beside the name',
    [
      [{ function: { index: 0, name: 'search_services', arguments: { query: 'маник' } } }],
      [{ function: { index: 1, name: 'search_masters', arguments: { query: 'Вера' } } }],
    ],
  ],
  ['all in one chunk, without index and id', [[{ function: fn(NAILS) }, { function: fn(VERA) }]]],
  [
    'LiteLLM: the index is 1 first',
    [
      [{ index: 1, id: 'c1', function: { name: 'search_services', arguments: '' } }],
      [{ index: 1, id: null, function: { name: null, arguments: '{"query":"маник"}' } }],
      [{ index: 2, id: 'c2', function: fn(VERA) }],
    ],
  ],
  [
    'DashScope, DeepSeek: empty id and name in later pieces',
    [
      [{ index: 0, id: 'c1', function: { name: 'search_services', arguments: '{"query":' } }],
      [{ index: 0, id: '', function: { name: '', arguments: '"маник"}' } }],
      [{ index: 1, id: 'c2', function: { name: 'search_masters', arguments: '' } }],
      [{ index: 1, id: '', function: { name: '', arguments: '{"query":"Вера"}' } }],
    ],
  ],
  [
    'spring-ai’s vLLM: the id in each piece',
    [
      [{ index: 0, id: 'c1', function: { name: 'search_services', arguments: '{"query":' } }],
      [{ index: 0, id: 'c1', function: { arguments: '"маник"}' } }],
      [{ index: 1, id: 'c2', function: { name: 'search_masters', arguments: '{"query":' } }],
      [{ index: 1, id: 'c2', function: { arguments: '"Вера"}' } }],
    ],
  ],
  [
    'older vLLM: another id in each piece',
    [
      [{ index: 0, id: 'x1', function: { name: 'search_services' } }],
      [{ index: 0, id: 'x2', function: { arguments: '{"query":' } }],
      [{ index: 0, id: 'x3', function: { arguments: '"маник"}' } }],
      [{ index: 1, id: 'x4', function: { name: 'search_masters' } }],
      [{ index: 1, id: 'x5', function: { arguments: '{"query":"Вера"}' } }],
    ],
  ],
  [
    'MiniMax, vLLM’s Qwen parser: the name in each piece, empty ones too',
    [
      [{ index: 0, id: 'c1', function: { name: 'search_services', arguments: '{"query":' } }],
      [{ index: 0, function: { name: 'search_services', arguments: '"маник"' } }],
      [{ index: 0, function: { name: 'search_services', arguments: '}' } }],
      [{ index: 0, function: { name: 'search_services', arguments: '' } }],
      [{ index: 1, id: 'c2', function: { name: 'search_masters', arguments: '{"query":"Вера"}' } }],
      [{ index: 1, function: { name: 'search_masters', arguments: '' } }],
    ],
  ],
  [
    'the name in each piece, no id and no index',
    [
      [{ function: { name: 'search_services', arguments: '{"query":' } }],
      [{ function: { name: 'search_services', arguments: '"маник"}' } }],
      [{ function: { name: 'search_masters', arguments: '{"query":' } }],
      [{ function: { name: 'search_masters', arguments: '"Вера"}' } }],
    ],
  ],
  [
    'the name in pieces',
    [
      [{ index: 0, id: 'c1', function: { name: 'search_' } }],
      [{ index: 0, function: { name: 'services', arguments: '{"query":"маник"}' } }],
      [{ index: 1, id: 'c2', function: fn(VERA) }],
    ],
  ],
  [
    'the id after the name',
    [
      [{ index: 0, function: { name: 'search_services' } }],
      [{ index: 0, id: 'c1', function: { arguments: '{"query":"маник"}' } }],
      [{ index: 1, function: { name: 'search_masters' } }],
      [{ index: 1, id: 'c2', function: { arguments: '{"query":"Вера"}' } }],
    ],
  ],
  [
    'the id before the name',
    [
      [{ index: 0, id: 'c1' }],
      [{ index: 0, function: fn(NAILS) }],
      [{ index: 0, id: 'c2' }],
      [{ index: 0, function: fn(VERA) }],
    ],
  ],
  [
    'Bedrock by a gateway: an empty object before the arguments',
    [
      [{ index: 0, id: 'c1', function: { name: 'search_services', arguments: '{}' } }],
      [{ index: 0, function: { arguments: '{"query":"маник"}' } }],
      [{ index: 1, id: 'c2', function: { name: 'search_masters', arguments: {} } }],
      [{ index: 1, function: { arguments: '{"query":"Вера"}' } }],
    ],
  ],
  [
    'whole calls once more after their pieces',
    [
      [{ index: 0, id: 'c1', function: { name: 'search_services', arguments: '{"query":' } }],
      [{ index: 0, function: { arguments: '"маник"}' } }],
      [{ index: 0, id: 'c1', function: fn(NAILS) }],
      [{ index: 1, id: 'c2', function: fn(VERA) }],
      [
        { index: 0, id: 'c1', function: fn(NAILS) },
        { index: 1, id: 'c2', function: fn(VERA) },
      ],
    ],
  ],
  [
    'one id for all',
    [[{ index: 0, id: 'x', function: fn(NAILS) }], [{ index: 1, id: 'x', function: fn(VERA) }]],
  ],
  [
    'one id for all, one tool twice, in pieces',
    [
      [{ index: 0, id: 'x', function: { name: 'search_services', arguments: '' } }],
      [{ index: 0, function: { arguments: '{"query":"маник"}' } }],
      [{ index: 1, id: 'x', function: { name: 'search_services', arguments: '' } }],
      [{ index: 1, function: { arguments: '{"query":"Вера"}' } }],
    ],
    [NAILS, ['search_services', VERA[1]!]],
  ],
  ['one id for all, no index', [[{ id: 'x', function: fn(NAILS) }], [{ id: 'x', function: fn(VERA) }]]],
  [
    'numbers for ids, texts for indexes',
    [[{ index: '0', id: 1, function: fn(NAILS) }], [{ index: '1', id: 2, function: fn(VERA) }]],
  ],
  [
    'no list around a call',
    [
      { id: 'c1', function: fn(NAILS) },
      { id: 'c2', function: fn(VERA) },
    ],
  ],
  ['name and arguments beside the id', [[{ id: 'c1', ...fn(NAILS) }], [{ id: 'c2', ...fn(VERA) }]]],
  [
    'one tool twice',
    [[{ index: 0, function: fn(NAILS) }], [{ index: 0, function: fn(NAILS) }]],
    [NAILS, NAILS],
  ],
  [
    'one tool twice, in pieces, without ids',
    [
      [{ index: 0, function: { name: 'search_services', arguments: '' } }],
      [{ index: 0, function: { arguments: '{"query":"маник"}' } }],
      [{ index: 0, function: { name: 'search_services', arguments: '' } }],
      [{ index: 0, function: { arguments: '{"query":"Вера"}' } }],
    ],
    [NAILS, ['search_services', VERA[1]!]],
  ],
  [
    'no arguments: absent, null and empty',
    [
      [{ index: 0, id: 'c1', function: { name: 'my_bookings' } }],
      [{ index: 0, id: 'c2', function: { name: 'my_bookings', arguments: null } }],
      [{ index: 0, function: { name: 'free_slots', arguments: '' } }],
    ],
    [
      ['my_bookings', ''],
      ['my_bookings', ''],
      ['free_slots', ''],
    ],
  ],
  [
    'strange indexes',
    [
      [{ index: 1_000_000_000, function: fn(NAILS) }],
      [{ index: -1, function: fn(VERA) }],
      [{ index: 0.5, function: fn(NAILS) }],
      [{ index: 2 ** 53, function: fn(VERA) }],
      [{ index: '__proto__', function: fn(NAILS) }],
      [{ index: 'length', function: fn(VERA) }],
      [{ index: null, function: fn(NAILS) }],
      [{ index: {}, function: fn(VERA) }],
    ],
    [NAILS, VERA, NAILS, VERA, NAILS, VERA, NAILS, VERA],
  ],
  [
    'nothing',
    [
      undefined,
      null,
      5,
      'text',
      [],
      [null, 5, 'text', []],
      [{}],
      [{ index: 3, type: 'function' }],
      [{ function: {} }],
    ],
    [],
  ],
  [
    'braces within texts',
    [
      [{ function: { name: 'search_services', arguments: '{"query":"}\\"' } }],
      [{ function: { name: 'search_services', arguments: '{"}' } }],
      [{ function: fn(VERA) }],
    ],
    [['search_services', '{"query":"}\\"{"}'], VERA],
  ],
  [
    'arguments of one tool that end too early, with ids',
    [
      [{ index: 0, id: 'c1', function: { name: 'search_services', arguments: '{"query": ' } }],
      [{ index: 0, id: 'c2', function: fn(NAILS) }],
    ],
    [['search_services', '{"query": '], NAILS],
  ],
  [
    'arguments that end too early',
    [[{ function: { name: 'search_services', arguments: '{"query": ' } }], [{ function: fn(VERA) }]],
    [['search_services', '{"query": '], VERA],
  ],
];

it.each(SHAPES)('%s', (_, chunks, expected = [NAILS, VERA]) => {
  expect(received(chunks)).toEqual(expected);
});

it('keeps the ids of a server, makes missing ones, and never repeats one in a request', () => {
  const ids = new Set(['c0']);
  const made = (chunks: unknown[]) => callsOf(chunks, ids).map(({ id }) => id);
  expect(made([[{ id: 'c1', function: fn(NAILS) }], [{ id: 'c2', function: fn(VERA) }]])).toEqual([
    'c1',
    'c2',
  ]);
  const others = [
    ...made([
      [
        { id: 'c1', function: fn(NAILS) },
        { id: 'c0', function: fn(VERA) },
      ],
    ]),
    ...made([[{ function: fn(NAILS) }, { id: '', function: fn(VERA) }, { id: null, function: fn(NAILS) }]]),
  ];
  for (const id of others) expect(id).toMatch(/^[a-zA-Z0-9]{9}$/);
  expect(new Set(others).size).toBe(5);
});

it('keeps the extra data that a server wants back with a call', () => {
  const [call] = callsOf([
    [{ id: 'c1', function: fn(NAILS), extra_content: { google: { thought_signature: 'abc' } } }],
    [{ extra_content: { more: 1 } }],
  ]);
  expect(call).toMatchObject({ extra_content: { google: { thought_signature: 'abc' }, more: 1 } });
});

it.each<[string, () => unknown[]]>([
  [
    'many calls',
    () => [Array.from({ length: MAX_CALLS + 1 }, (_, i) => ({ index: i, function: fn(NAILS) }))],
  ],
  ['very many empty fragments', () => Array.from({ length: 1000 }, () => Array<object>(60).fill({}))],
  ['very many calls', () => [Array.from({ length: 100_000 }, (_, i) => ({ index: i, id: `c${i}` }))]],
  ['long arguments', () => [[{ function: { name: 'x', arguments: ' '.repeat(100_000) } }]]],
  [
    'long arguments in pieces',
    () => Array.from({ length: 100_000 }, () => [{ function: { arguments: 'x' } }]),
  ],
  ['a long name in pieces', () => Array.from({ length: 100_000 }, () => [{ function: { name: 'x' } }])],
  ['a long id', () => [[{ id: 'x'.repeat(100_000) }]]],
  ['much extra data', () => [[{ ...fn(NAILS), extra_content: { x: 'x'.repeat(100_000) } }]]],
])('refuses %s', (_, chunks) => {
  expect(() => callsOf(chunks())).toThrow(/too/);
});
