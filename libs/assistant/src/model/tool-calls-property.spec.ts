import fc from 'fast-check';
import { ToolCalls } from './tool-calls.js';

const TOOLS = ['search_services', 'search_masters', 'free_slots', 'my_bookings'];

interface Call {
  name: string;
  args: string;
}
type Dialect = (calls: Call[], cut: (text: string) => string[]) => object[][];

/** Without pieces that could be the start of other arguments. */
const begunOnce = (pieces: string[]) =>
  pieces.reduce<string[]>(
    (made, piece) =>
      made.length && piece.startsWith('{') ? made.with(-1, made.at(-1)! + piece) : [...made, piece],
    [],
  );

/** The ways in which servers split calls into fragments: a chunk is a list of them. */
const DIALECTS: Record<string, Dialect> = {
  openai: (calls, cut) =>
    calls.flatMap(({ name, args }, index) => [
      [{ index, id: `c${index}`, function: { name, arguments: '' } }],
      ...cut(args).map((piece) => [{ index, function: { arguments: piece } }]),
    ]),
  'index 0, an id in each fragment': (calls, cut) =>
    calls.flatMap(({ name, args }, i) =>
      cut(args).map((piece) => [{ index: 0, id: `c${i}`, function: { name, arguments: piece } }]),
    ),
  'index 0, an id once': (calls, cut) =>
    calls.flatMap(({ name, args }, i) =>
      cut(args).map((piece, p) => [
        p
          ? { index: 0, function: { arguments: piece } }
          : { index: 0, id: `c${i}`, function: { name, arguments: piece } },
      ]),
    ),
  'no index, an id once': (calls, cut) =>
    calls.flatMap(({ name, args }, i) =>
      cut(args).map((piece, p) => [
        p ? { function: { arguments: piece } } : { id: `c${i}`, function: { name, arguments: piece } },
      ]),
    ),
  'no index, no id, a name once': (calls, cut) =>
    calls.flatMap(({ name, args }) => [
      [{ function: { name, arguments: '' } }],
      ...cut(args).map((piece) => [{ function: { arguments: piece } }]),
    ]),
  'no index, no id, a name in each fragment': (calls, cut) =>
    calls.flatMap(({ name, args }) => cut(args).map((piece) => [{ function: { name, arguments: piece } }])),
  'another id in each fragment': (calls, cut) =>
    calls.flatMap(({ name, args }, index) => [
      [{ index, id: `c${index}`, function: { name } }],
      ...cut(args).map((piece, p) => [{ index, id: `x${index}-${p}`, function: { arguments: piece } }]),
    ]),
  'index 0, another id and the name in each fragment': (calls, cut) =>
    calls.flatMap(({ name, args }, i) =>
      begunOnce(cut(args)).map((piece, p) => [
        { index: 0, id: `x${i}-${p}`, function: { name, arguments: piece } },
      ]),
    ),
  'no index, another id and the name in each fragment': (calls, cut) =>
    calls.flatMap(({ name, args }, i) =>
      begunOnce(cut(args)).map((piece, p) => [{ id: `x${i}-${p}`, function: { name, arguments: piece } }]),
    ),
  'no index, another id in each fragment, the name empty': (calls, cut) =>
    calls.flatMap(({ name, args }, i) => [
      [{ id: `c${i}`, function: { name, arguments: '' } }],
      ...cut(args).map((piece, p) => [{ id: `x${i}-${p}`, function: { name: '', arguments: piece } }]),
    ]),
  'from index 1, the name in pieces': (calls, cut) =>
    calls.flatMap(({ name, args }, i) => [
      ...cut(name).map((piece) => [{ index: i + 1, id: `c${i}`, function: { name: piece } }]),
      ...cut(args).map((piece) => [{ index: i + 1, function: { arguments: piece } }]),
    ]),
  'fragments in turn': (calls, cut) => {
    const pieces = calls.map(({ args }) => cut(args));
    const longest = Math.max(0, ...pieces.map(({ length }) => length));
    return [
      calls.map(({ name }, index) => ({ index, id: `c${index}`, function: { name } })),
      ...Array.from({ length: longest }, (_, p) =>
        calls.flatMap((__, index) =>
          pieces[index]![p] ? [{ index, function: { arguments: pieces[index]![p] } }] : [],
        ),
      ),
    ];
  },
  'whole, in one chunk': (calls) => [
    calls.map(({ name, args }) => ({ function: { name, arguments: args } })),
  ],
  objects: (calls) =>
    calls.map(({ name, args }) => [{ id: '', function: { name, arguments: JSON.parse(args) as object } }]),
};

const args = fc
  .dictionary(fc.constantFrom('query', 'from', 'to', 'status'), fc.oneof(fc.string(), fc.jsonValue()))
  .map((value) => JSON.stringify(value));
const calls = fc.array(fc.record({ name: fc.constantFrom(...TOOLS), args }), { minLength: 1, maxLength: 6 });

it.each(Object.entries(DIALECTS))('reassembles random calls: %s', (_, dialect) => {
  fc.assert(
    fc.property(calls, fc.infiniteStream(fc.integer({ min: 1, max: 12 })), (given, sizes) => {
      const cut = (text: string) => {
        const pieces: string[] = [];
        for (let at = 0; at < text.length;) {
          const size = sizes.next().value as number;
          pieces.push(text.slice(at, at + size));
          at += size;
        }
        return pieces;
      };
      const calls = new ToolCalls((name) => TOOLS.includes(name));
      for (const chunk of dialect(given, cut)) calls.add(chunk);
      const made = calls.finish(new Set()).map(({ function: called }) => [called.name, called.arguments]);
      expect(made).toEqual(given.map((call) => [call.name, call.args]));
    }),
  );
});
