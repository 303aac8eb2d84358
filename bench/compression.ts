/**
 * Measures the savings and costs of compression. An answer of REST is for one client, so it is compressed once. A frame
 * is encoded once for all receivers, but would be compressed for each of them. `npm run bench -- compression`
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  brotliCompressSync,
  constants,
  createDeflateRaw,
  createInflateRaw,
  deflateRawSync,
  gzipSync,
} from 'node:zlib';
import { foreignLoad, machine, median, table } from './report.js';

const ROUNDS = 5;
const MIN_MS = 200;
/** Connections, each with the contexts that `ws` keeps for a peer that compresses. */
const CONNECTIONS = 200;

const SYLLABLES =
  'ма ни кюр за пись ут ро ве чер спа си бо при хо ди те сво бод но ад рес вре мя пе ре нес ти мас тер цве ты стри жёт до ма ков ри ки'.split(
    ' ',
  );
let seed = 1;
const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
/** As varied as natural language: it compresses like the pages of a book. */
const words = (length: number) => {
  let text = '';
  while (text.length < length) {
    for (let i = random(4); i >= 0; i--) text += SYLLABLES[random(SYLLABLES.length)];
    text += ' ';
  }
  return text.slice(0, length);
};
const message = (length: number) => ({
  ...{ id: randomUUID(), chat_id: randomUUID(), sender_id: randomUUID(), sender_name: 'Анна Иванова' },
  ...{
    sender_avatar: `https://storage.example.com/${randomUUID()}.jpg`,
    type: 'text',
    content: words(length),
  },
  ...{
    metadata: {},
    created_at: new Date().toISOString(),
    status: 'sent',
    seq: 14,
    change_seq: 0,
    reactions: [],
  },
  ...{ reply_to: null, forwarded_from: null, edited_at: null, pinned_at: null, deleted_at: null },
});
const account = () => ({
  ...{ id: randomUUID(), name: 'Борис Петров', handle: 'boris_petrov', online: false, role: 'member' },
  ...{ avatar: `https://storage.example.com/${randomUUID()}.jpg`, last_seen: new Date().toISOString() },
});
const chat = (participants: number) => ({
  ...{ id: randomUUID(), type: 'group', title: words(20), unread_count: 3, last_seq: 140 },
  ...{ last_message: message(80), participants: Array.from({ length: participants }, account) },
});
const frame = (length: number) => `42["chat:message:new",${JSON.stringify(message(length))}]`;

const PAYLOADS: [name: string, text: string][] = [
  ['50 chats of 2', JSON.stringify({ items: Array.from({ length: 50 }, () => chat(2)) })],
  ['50 chats of 50', JSON.stringify({ items: Array.from({ length: 50 }, () => chat(50)) })],
  ['frame of 60 characters', frame(60)],
  ['frame of 4,000 characters', frame(4000)],
];
const FORMS: [name: string, make: (text: string) => Buffer][] = [
  ['gzip', (text) => gzipSync(text)],
  ['br', (text) => brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })],
  ['deflate (frames)', (text) => deflateRawSync(text)],
];

/** CPU time per run, µs. */
function cost(work: () => unknown): number {
  const [started, before] = [performance.now(), process.cpuUsage()];
  let count = 0;
  while (performance.now() - started < MIN_MS) for (let i = 0; i < 5; i++, count++) work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

/** KiB of process memory per connection for its two contexts, after each was used. */
async function memory(): Promise<number> {
  const before = process.memoryUsage.rss();
  const contexts = [];
  for (let i = 0; i < CONNECTIONS; i++) {
    const [deflate, inflate] = [createDeflateRaw(), createInflateRaw()];
    deflate.pipe(inflate).resume();
    deflate.write(frame(4000));
    deflate.flush();
    contexts.push(deflate, inflate);
  }
  await sleep(2000);
  const used = process.memoryUsage.rss() - before;
  for (const context of contexts) context.destroy();
  return used / CONNECTIONS / 1024;
}

const number = (value: number, digits = 0) =>
  value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });

const load = [await foreignLoad()];
const perConnection = await memory();
const rows = PAYLOADS.flatMap(([name, text]) =>
  FORMS.map(([form, make]) => {
    const plain = Buffer.byteLength(text);
    const small = make(text).length;
    const cpu = median(Array.from({ length: ROUNDS }, () => cost(() => make(text))));
    return [`${name}, ${form}`, number(plain), number(small), number((small / plain) * 100), number(cpu)];
  }),
);
load.push(await foreignLoad());
console.log(table(['payload', 'bytes', 'compressed', '%', 'CPU µs'], rows));
console.log(`\n${machine(load)}. Medians of ${ROUNDS} rounds of ${MIN_MS} ms.\n`);
console.log(`- a frame compressed for each of 1,000 receivers: its CPU µs are ms`);
console.log(
  `- the contexts of one WebSocket that compresses: ${number(perConnection)} KiB (${CONNECTIONS} of them)`,
);
