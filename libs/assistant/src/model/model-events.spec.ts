import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as others } from 'node:timers/promises';
import { fetchEvents } from './model-events.js';

/** The events from a model server's body. */
async function eventsOf(...pieces: string[]) {
  const body = ReadableStream.from(pieces.map((piece) => Buffer.from(piece)));
  jest.spyOn(globalThis, 'fetch').mockResolvedValue(new Response(body));
  const { body: events } = await fetchEvents('http://model.test');
  const texts: string[] = [];
  for await (const event of events as unknown as AsyncIterable<Uint8Array>)
    texts.push(Buffer.from(event).toString());
  return texts;
}
afterEach(() => jest.restoreAllMocks());

it.each<[string, string[]]>([
  ['large events', Array<string>(60).fill(`data: ${'x'.repeat(100_000)}\n\n`)],
  ['small events in one piece', ['data: {}\n\n'.repeat(60 * 300)]],
])('yields to other work between %s', async (_, pieces) => {
  let turns = 0;
  let isOver = false;
  const counting = (async () => {
    while (!isOver) {
      turns++;
      await others();
    }
  })();
  await eventsOf(...pieces);
  isOver = true;
  await counting;
  expect(turns).toBeGreaterThanOrEqual(60);
});

it.each<[string, string]>([
  ['an event', `data: ${'x'.repeat(200_000)}\n\n`],
  ['an answer in one piece', `{"x":"${'x'.repeat(1_100_000)}"}`],
])('refuses %s that is too long', async (_, piece) => {
  await expect(eventsOf(piece)).rejects.toThrow('too much at once');
});

it('accepts a longer body in one piece than an event, and joins its lines', async () => {
  const [event] = await eventsOf(`{\r\n"x":\n"${'x'.repeat(1_000_000)}"}`);
  expect(event!.split('\n\n')[0]).toMatch(/^data: \{ {2}"x": "x+"\}$/);
});

it('removes carriage returns, which the client would search for again and again', async () => {
  expect(await eventsOf(`data: 1${'\r'.repeat(1000)}\n\r\n`)).toEqual(['data: 1\n\n']);
});

it.each([301, 302, 303, 307, 308])(
  'sends the conversation to no address of a redirect (%s)',
  async (status) => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url!);
      response.writeHead(status, { location: '/elsewhere' }).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const body = JSON.stringify({ messages: [] });
    await expect(fetchEvents(`http://127.0.0.1:${port}/v1`, { method: 'POST', body })).rejects.toThrow();
    expect(asked).toEqual(['/v1']);
    server.close();
  },
);
