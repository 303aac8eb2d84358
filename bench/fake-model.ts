import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/**
 * Replaces the language model: it answers `<name> <tokens>` with that many tokens, each with the time of its sending. A
 * separate process, so that it blocks no other event loop.
 */

/** Time between two tokens of an answer, ms. */
const PACE = 20;

/** The answer to each question. */
const answers = new Map<string, string>();

/** Microseconds on a clock that all processes share; the time of day may be changed meanwhile. */
const now = () => Number(process.hrtime.bigint() / 1000n);

const server = createServer((request, response) => {
  void json(request).then((body) => {
    const { messages } = body as { messages: { role: string; content: string }[] };
    answer(messages.findLast(({ role }) => role === 'user')!.content, response);
  });
});

function answer(question: string, response: ServerResponse): void {
  const count = Number(question.split(' ')[1]);
  const started = performance.now();
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  let whole = '';
  const send = (delta: object, finish_reason: string | null = null) =>
    response.write(
      `data: ${JSON.stringify({ id: question, model: 'fake-model', choices: [{ index: 0, delta, finish_reason }] })}\n\n`,
    );
  const next = (index: number) => {
    if (index === count) {
      answers.set(question, whole);
      send({}, 'stop');
      response.end('data: [DONE]\n\n');
      return;
    }
    const content = `${index}:${now()} `;
    whole += content;
    send({ content });
    setTimeout(next, started + (index + 1) * PACE - performance.now(), index + 1);
  };
  next(0);
}

process.on('message', () => {
  process.send!({ answers });
  answers.clear();
});
process.on('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port));
