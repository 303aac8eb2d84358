import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setPriority } from 'node:os';
import { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';

/** Replaces the language model, and violates its protocol in the way that the question names. */

setPriority(10);

const chunk = (delta: object, finish_reason: string | null = null) =>
  `data: ${JSON.stringify({ id: 'x', model: 'hostile', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
const call = (index: number, name: string, args: string) =>
  chunk({
    tool_calls: [{ index, id: `call ${index}`, type: 'function', function: { name, arguments: args } }],
  });
const END = chunk({}, 'tool_calls') + 'data: [DONE]\n\n';
const TEXT = chunk({ content: 'ж'.repeat(1000) });

/** In pieces, as fast as the client reads. */
const answers: Record<string, () => Iterable<string>> = {
  'huge-index': () => [call(1_000_000_000, 'my_bookings', '{}'), END],
  'many-calls': function* () {
    for (let i = 0; i < 3000; i++) yield call(i, 'my_bookings', '{}');
    yield END;
  },
  'long-arguments': function* () {
    for (let i = 0; i < 900; i++) yield call(0, 'my_bookings', ' '.repeat(1000));
    yield END;
  },
  'endless-text': function* () {
    for (let i = 0; i < 20_000; i++) yield TEXT;
  },
  'no-line-end': function* () {
    for (let i = 0; i < 20_000; i++) yield 'data: '.padEnd(2000, 'x');
  },
  'not-json': () => ['data: {not json\n\n', 'data: [DONE]\n\n'],
};

const server = createServer((request, response) => {
  response.on('error', () => {});
  json(request).then(
    (body) => {
      const { messages } = body as { messages: { role: string; content: string }[] };
      const trick = messages.findLast(({ role }) => role === 'user')!.content;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      Readable.from((answers[trick] ?? answers['not-json']!)()).pipe(response);
    },
    () => response.destroy(),
  );
});

process.on('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port));
