import type { BookingDto } from '#contracts';
import { newId, PrismaService } from '#platform';
import { until, type Account, type TestApp } from '#testing';
import jwt, { type JwtPayload } from 'jsonwebtoken';
import { randomUUID } from 'node:crypto';

const DAY = 86_400_000;
const midnight = (days: number) => new Date((Math.floor(Date.now() / DAY) + days) * DAY).toISOString();

/** Where things are made, and by whom. */
interface Scenario {
  app: TestApp;
  people: Record<'owner' | 'member' | 'former' | 'banned', Account>;
  fixture(name: string): Promise<string>;
  done<T extends object>(who: 'owner' | 'member', method: string, path: string, body?: object): Promise<T>;
}

interface Made {
  id: string;
}
const posted = async (scenario: Scenario, path: string, body: object, who: 'owner' | 'member' = 'owner') =>
  (await scenario.done<Made>(who, 'POST', path, body)).id;
const sent = async (scenario: Scenario, chat: string, message: object) =>
  (await scenario.done<{ message_id: string }>('owner', 'POST', `chats/${chat}/messages`, message))
    .message_id;

/** A booking of the member's, set to a state or time. */
async function booking(scenario: Scenario, days: number, put: string): Promise<string> {
  const body = { service_id: await scenario.fixture('service'), starts_at: midnight(days) };
  const { id } = await scenario.done<BookingDto>('member', 'POST', 'bookings', body);
  await scenario.app.rows(`UPDATE bookings SET ${put} WHERE id = $1`, [id]);
  return id;
}
const HOURS_AGO = (hours: number) =>
  `starts_at = now() - interval '${hours} hours', ends_at = now() - interval '${hours - 1} hours'`;

/** The group and its first message, from before a member was removed. */
async function group(scenario: Scenario): Promise<string> {
  const { app, people } = scenario;
  const { id } = await app.group(people.owner, people.member, people.former, people.banned);
  const message = await sent(scenario, id, { type: 'text', content: 'ours' });
  await scenario.done('owner', 'DELETE', `chats/${id}/members/{former}`);
  return `${id} ${message}`;
}
const partOf = (which: 0 | 1) => async (scenario: Scenario) =>
  (await scenario.fixture('group')).split(' ')[which]!;

/** How to make each thing; returns its id. All belong to the owner unless noted. */
export const FIXTURES: Record<string, (scenario: Scenario) => Promise<string>> = {
  group,
  chat: partOf(0),
  message: partOf(1),
  proposal: async (scenario) => {
    const metadata = { service_id: await scenario.fixture('service') };
    const proposal = { type: 'booking_proposal', content: 'On Friday?', metadata };
    return sent(scenario, await scenario.fixture('chat'), proposal);
  },
  post: (scenario) => posted(scenario, 'posts', { content: 'A post' }),
  /** Belongs to the member. */
  comment: (scenario) => posted(scenario, 'posts/{post}/comments', { content: 'A comment' }, 'member'),
  service: async (scenario) => {
    const weekly = [0, 1, 2, 3, 4, 5, 6].map((weekday) => ({ weekday, from: '00:00', to: '24:00' }));
    await scenario.done('owner', 'PUT', 'users/me/availability', { timezone: 'UTC', weekly });
    return posted(scenario, 'services', { name: 'Manicure', price: 2000, duration: 60 });
  },
  /** Requested by the member; one was yesterday, and one is over. */
  booking: (scenario) => booking(scenario, 2, `status = 'requested'`),
  visit: (scenario) => booking(scenario, 3, `status = 'confirmed', ${HOURS_AGO(3)}`),
  missed: (scenario) => booking(scenario, 5, `status = 'cancelled', no_show = true, ${HOURS_AGO(70)}`),
  visited: (scenario) => booking(scenario, 4, `status = 'completed', ${HOURS_AGO(50)}`),
  /** From the member to the owner. */
  request: async (scenario) =>
    posted(scenario, 'friends/requests', { user_id: await scenario.fixture('owner') }, 'member'),
  notification: async (scenario) => {
    const id = newId();
    const { owner } = scenario.people;
    await scenario.app.rows(
      `INSERT INTO notifications (id, user_id, type, data) VALUES ($1, $2, 'mention', $3)`,
      [id, owner.id, { post_id: randomUUID(), comment_id: null, user_id: owner.id }],
    );
    return id;
  },
  session: async (scenario) => (jwt.decode(scenario.people.owner.token) as JwtPayload).sid as string,
  /** With a question and its answer. */
  conversation: async (scenario) => {
    const id = await posted(scenario, 'assistant/chats', {});
    await scenario.app.rows(
      `INSERT INTO assistant_messages (id, chat_id, seq, role, status, content, reply_to)
       VALUES ($2, $1, 1, 'user', 'complete', 'And?', NULL), ($3, $1, 2, 'assistant', 'complete', 'Yes.', $2)`,
      [id, newId(), newId()],
    );
    await scenario.app.rows('UPDATE assistant_chats SET last_seq = 2 WHERE id = $1', [id]);
    return id;
  },
  /** A user with no other role. */
  target: async (scenario) => (await scenario.app.manyPeople(1))[0]!,
  report: async (scenario) => {
    const about = { kind: 'user', target_id: await scenario.fixture('target'), reason: 'Spam' };
    return posted(scenario, 'reports', about, 'member');
  },
  job: async ({ app }) => {
    const id = newId();
    await app.app.get(PrismaService).outboxJob.create({ data: { id, name: 'nonsense', data: {} } });
    const failed = () =>
      app.rows(`SELECT FROM bullmq.job WHERE id = $1 AND state = 'failed'`, [id]).catch(() => []);
    await until('the job has failed', async () => (await failed()).length > 0);
    return id;
  },
  /** A friend of the owner's. */
  friend: async (scenario) => {
    const [[id], { owner }] = [(await scenario.app.manyPeople(1)) as [string], scenario.people];
    await scenario.app.rows('INSERT INTO friends (user_id, friend_id) VALUES ($1, $2), ($2, $1)', [
      owner.id,
      id,
    ]);
    return id;
  },
};

/** Texts that are not ids. */
export const TEXTS: Record<string, (scenario: Scenario) => Promise<string>> = {
  slot: async () => midnight(9),
  later: async () => midnight(10),
  email: async () => `${randomUUID()}@example.com`,
  /** An account with a password. */
  account: async ({ app }) => (await app.register()).email,
  refresh: async ({ app }) => (await app.register()).refreshToken,
  /** Belongs to the owner. */
  token: async ({ people }) => people.owner.token,
};
