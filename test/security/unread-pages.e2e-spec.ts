import type { ChatDto } from '#contracts';
import { Unread } from '#platform';
import { TestApp, until, type Account } from '#testing';
import type { Server, Socket } from 'node:net';
import { internalErrors, refused } from './counted.js';
import { RawSocket } from './raw-client.js';

const MB = 1024 * 1024;

let app: TestApp;
let anna: Account;
let boris: Account;
/** A page of its pins is 1 MB. */
let chat: ChatDto;
let honest: RawSocket;
const opened: Socket[] = [];
/** The server's ends. */
const ends = new Set<Socket>();
beforeAll(async () => {
  app = await TestApp.start();
  (app.app.getHttpServer() as Server).on('connection', (end: Socket) => {
    ends.add(end);
    end.on('close', () => ends.delete(end));
  });
  [anna, boris] = await app.people('Анна', 'Борис');
  chat = await app.chat(anna, boris);
  await app.rows(
    `INSERT INTO messages (id, chat_id, sender_id, seq, type, content, created_at, pinned_at)
     SELECT uuidv7(), $1, $2, i, 'text', repeat('😀', 4000), now(), now() + i * interval '1 ms'
     FROM generate_series(1, 100) AS i`,
    [chat.id, boris.id],
  );
  await app.rows('UPDATE chats SET last_seq = 100 WHERE id = $1', [chat.id]);
  honest = await RawSocket.signedIn(app.url, boris);
});
afterAll(async () => {
  for (const socket of opened) socket.destroy();
  await app.stop();
});

/** Requests pages and reads nothing. */
async function device(): Promise<void> {
  const { socket } = await RawSocket.signedIn(app.url, anna);
  const { _socket: tcp } = socket as unknown as { _socket: Socket };
  opened.push(tcp.pause());
  for (let i = 0; i < 8; i++) socket.send(`42${i}["chat:pins",{"chat_id":"${chat.id}"}]`);
}

it('unread data of many devices has a common bound, while others are answered', async () => {
  const unread = app.app.get(Unread);
  expect(unread.most).toBe(64 * MB);
  // The kernel may take a whole page, so the default would need more devices.
  unread.most = 8 * MB;
  for (let i = 0; i < 30; i++) await device();
  await until('connections are closed', async () => (await refused(app.url, 'unread')) > 0, 60_000);
  const held = [...ends].reduce((sum, { writableLength }) => sum + writableLength, 0);
  expect(held).toBeLessThan(unread.most);
  expect(await honest.answers()).toEqual([]);
  expect(await internalErrors(app.url)).toBe(0);
}, 120_000);
