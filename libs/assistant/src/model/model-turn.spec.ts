import fc from 'fast-check';
import { ModelTurn, isVisible } from './model-turn.js';

const chunk = (choice: unknown) => ({ choices: [choice] });
const delta = (delta: unknown, more: object = {}) => chunk({ index: 0, delta, ...more });

function turnOf(chunks: unknown[]) {
  const turn = new ModelTurn((name) => name === 'my_bookings');
  const texts = chunks.map((piece) => turn.take(piece).text);
  const calls = turn.calls.finish(new Set());
  return { turn, texts, text: texts.join(''), names: calls.map((call) => call.function.name), calls };
}

const call = { id: 'c1', type: 'function', function: { name: 'my_bookings', arguments: '{}' } };

it.each<[string, unknown[], string]>([
  ['texts', [delta({ content: 'Да' }), delta({ content: '.' })], 'Да.'],
  ['parts', [delta({ content: [{ type: 'text', text: 'Д' }, { type: 'text', text: 'а' }, 'й'] })], 'Дай'],
  ['a part', [delta({ content: { type: 'output_text', text: 'Да' } })], 'Да'],
  [
    'thoughts among the parts',
    [
      delta({
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
          { type: 'text', text: 'Да' },
        ],
      }),
    ],
    'Да',
  ],
  ['a refusal', [delta({ content: null, refusal: 'Не' }), delta({ refusal: 'т' })], 'Нет'],
  ['a refusal among the parts', [delta({ content: [{ type: 'refusal', refusal: 'Нет' }] })], 'Нет'],
  ['thoughts', [delta({ reasoning: 'hm' }), delta({ reasoning_content: 'hm' })], ''],
  [
    'a message',
    [chunk({ index: 0, message: { role: 'assistant', content: 'Да' }, finish_reason: 'stop' })],
    'Да',
  ],
  [
    'a message that repeats',
    [delta({ content: 'Да' }), chunk({ index: 0, delta: {}, message: { content: 'Да' } })],
    'Да',
  ],
  ['a refusing message', [chunk({ message: { content: null, refusal: 'Нет' } })], 'Нет'],
  [
    'several choices',
    [
      delta({ content: 'Да' }),
      chunk({ index: 1, delta: { content: 'Нет' } }),
      {
        choices: [
          { index: 0, delta: { content: '.' } },
          { index: 1, delta: { content: '!' } },
        ],
      },
    ],
    'Да.',
  ],
  [
    'an invalid piece',
    [
      null,
      5,
      'x',
      [],
      {},
      { choices: null },
      { choices: {} },
      { choices: [] },
      chunk(null),
      chunk({}),
      chunk({ delta: null }),
      chunk({ delta: [] }),
      delta({ content: 5 }),
      delta({ content: { type: 'text', text: {} } }),
      delta({ content: [null, 5, {}] }),
    ],
    '',
  ],
])('reads the text of %s', (_, chunks, text) => {
  expect(turnOf(chunks).text).toBe(text);
});

it('reads one answer, whichever of its pieces have an index', () => {
  const index = fc.constantFrom(0, '0', null, undefined);
  fc.assert(
    fc.property(fc.array(fc.record({ index, content: fc.string() })), (given) => {
      const pieces = given.map(({ index, content }) => chunk({ index, delta: { content } }));
      const strange = chunk({ index: 1, delta: { content: 'another answer' } });
      const known = given.findIndex((piece) => piece.index != null);
      const chunks = known < 0 ? pieces : pieces.toSpliced(known + 1, 0, strange);
      expect(turnOf(chunks).text).toBe(given.map(({ content }) => content).join(''));
    }),
  );
});

it.each([
  ['parts', { content: Array<object>(100_000).fill({}) }],
  ['calls', { tool_calls: Array<object>(100_000).fill({}) }],
])('refuses a long list of %s', (_, piece) => {
  expect(() => turnOf([delta(piece)])).toThrow(/too/);
});

it.each<[string, unknown[]]>([
  ['pieces', [delta({ tool_calls: [call] })]],
  ['a message', [chunk({ message: { tool_calls: [call] } })]],
  [
    'a message that repeats',
    [delta({ tool_calls: [call] }), chunk({ delta: {}, message: { tool_calls: [call] }, index: 0 })],
  ],
  [
    'a message after text',
    [delta({ content: 'Сейчас' }), chunk({ index: 0, message: { content: 'Сейчас', tool_calls: [call] } })],
  ],
  [
    'the older field',
    [
      delta({ function_call: { name: 'my_bookings', arguments: '' } }),
      delta({ function_call: { arguments: '{}' } }),
    ],
  ],
])('reads the calls of %s', (_, chunks) => {
  expect(turnOf(chunks).names).toEqual(['my_bookings']);
});

it('detects a piece without content', () => {
  const turn = new ModelTurn(() => true);
  for (const empty of [{}, { role: 'assistant' }, { content: '' }, { content: null, tool_calls: [] }])
    expect(turn.take(delta(empty)).isSilent).toBe(true);
  for (const full of [
    { content: 'a' },
    { reasoning: 'hm' },
    { reasoning_content: 'hm' },
    { tool_calls: [call] },
  ])
    expect(turn.take(delta(full)).isSilent).toBe(false);
});

it('ends with a finish reason, and ignores an empty one', () => {
  const ended = (...reasons: unknown[]) =>
    turnOf(reasons.map((finish_reason) => delta({}, { finish_reason }))).turn.finish;
  expect(ended(null, undefined, '', 5)).toBe('');
  expect(ended('', 'stop', 'length')).toBe('stop');
});

it('returns its reasoning, and drops arguments that are not an object', () => {
  const { turn, calls } = turnOf([
    delta({ reasoning_content: 'h' }),
    delta({ reasoning_content: 'm'.repeat(200_000) }),
    delta({ tool_calls: [call, { ...call, id: 'c2', function: { name: 'x', arguments: '[1' } }] }),
  ]);
  const message = turn.toMessage('', calls) as unknown as { reasoning_content: string };
  expect(message).toMatchObject({
    role: 'assistant',
    content: null,
    tool_calls: [call, { id: 'c2', function: { name: 'x', arguments: '{}' } }],
  });
  expect(message.reasoning_content).toHaveLength(20_000);
  const whole = turnOf([chunk({ message: { reasoning_content: 'hm', tool_calls: [call] } })]);
  expect(whole.turn.toMessage('', whole.calls)).toMatchObject({
    reasoning_content: 'hm',
    tool_calls: [call],
  });
  expect(new ModelTurn(() => true).toMessage('a', [])).not.toHaveProperty('reasoning_content');
});

it.each([
  '',
  ' \n\t',
  '\u200b',
  '\u2800',
  '\u3164',
  '\u00ad\u2060',
  '\u202e',
  '\ufe0f',
  '\u0300',
  '\u{e0020}',
  '\u0007',
  ' <think>\nhm</think>\n',
  '<think>a</think> <think>b</think>',
])('%j is invisible', (text) => expect(isVisible(text)).toBe(false));
it.each([
  'a',
  '.',
  '👍',
  ' я ',
  '\u200bб',
  '0',
  '<think>hm</think>Да',
  '<think>a</think>Да<think>b</think>',
  '<think>hm',
])('%j is visible', (text) => expect(isVisible(text)).toBe(true));
