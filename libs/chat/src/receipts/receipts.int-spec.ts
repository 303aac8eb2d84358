import type { ChatDto } from '#contracts';
import { WORK, PrismaService } from '#platform';
import { EventPublisher, EventQueue } from '#realtime';
import { TestApp, text, until } from '#testing';

const GROUPS = 12;
const MESSAGES = 1000;
const MAX_TOGETHER = 10_000;

let app: TestApp;
beforeAll(async () => (app = await TestApp.start()));
afterAll(() => app.stop());
afterEach(() => jest.restoreAllMocks());

/** Calls `look` with the number of receipts of each look-up. */
function observeLookUps(look: (found: number) => void): void {
  const prisma = app.app.get(PrismaService);
  const query = prisma.$queryRaw.bind(prisma) as (...args: unknown[]) => Promise<{ covered?: unknown[] }[]>;
  jest.spyOn(prisma, '$queryRaw').mockImplementation(((...args: unknown[]) => {
    const rows = query(...args);
    void Promise.resolve(rows).then(([row]) => row?.covered && look(row.covered.length));
    return rows;
  }) as never);
}

it('receipts after a long silence are looked up in parts, and all are published', async () => {
  const [anna, boris] = await app.people('Анна', 'Борис');
  const groups: ChatDto[] = [];
  for (let i = 0; i < GROUPS; i++) groups.push(await app.group(boris, anna));
  const ids = groups.map(({ id }) => id);
  await app.rows(
    `INSERT INTO messages (id, chat_id, seq, sender_id, type, content, metadata, created_at)
     SELECT gen_random_uuid(), chat, i, $2, 'text', 'x', '{}', now()
     FROM unnest($1::uuid[]) AS chat, generate_series(1, ${MESSAGES}) AS i`,
    [ids, boris.id],
  );
  await app.rows(`UPDATE chats SET last_seq = ${MESSAGES} WHERE id = ANY($1)`, [ids]);
  const [borisDevice] = await app.devices(boris);
  const found: number[] = [];
  observeLookUps((receipts) => found.push(receipts));
  const published = jest.spyOn(app.app.get(EventPublisher), 'publishEach');
  expect((await app.request('GET', 'sync', anna.token)).status).toBe(200);
  await until('all notified', () => borisDevice.all('chat:message:delivered').length === GROUPS * MESSAGES);
  expect(found.length).toBeGreaterThan(1);
  expect(Math.max(...found)).toBeLessThanOrEqual(MAX_TOGETHER);
  const together = published.mock.calls.map(([, , receipts]) => receipts.length);
  expect(Math.max(...together)).toBeLessThanOrEqual(WORK.queuedEvents.most.together);
});

it('cursor updates wait for their look-up while too many receipts wait, and are published afterwards', async () => {
  const [anna, boris] = await app.people('Анна', 'Борис');
  const chat = await app.chat(boris, anna);
  const [borisDevice] = await app.devices(boris);
  const { message_id } = await borisDevice.send('chat:message:send', text(chat));
  const found: number[] = [];
  observeLookUps((receipts) => found.push(receipts));
  const isFull = jest.spyOn(EventQueue.prototype, 'isFull', 'get').mockReturnValue(true);
  await app.request('GET', 'sync', anna.token);
  const delivered = () =>
    app.rows('SELECT FROM chat_members WHERE chat_id = $1 AND last_delivered_seq = 1 AND user_id = $2', [
      chat.id,
      anna.id,
    ]);
  await until('the cursor is stored', async () => (await delivered()).length === 1);
  await borisDevice.settled();
  expect([found, borisDevice.all('chat:message:delivered')]).toEqual([[], []]);
  isFull.mockRestore();
  expect(await borisDevice.next('chat:message:delivered')).toMatchObject({
    message_id,
    delivered_to: anna.id,
  });
});
