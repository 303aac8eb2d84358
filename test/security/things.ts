import type { BookingDto } from '#contracts';
import { newId, PrismaService } from '#platform';
import { until, type Account, type TestApp } from '#testing';
import jwt, { type JwtPayload } from 'jsonwebtoken';
import { randomUUID } from 'node:crypto';

const DAY = 86_400_000;
const midnight = (days: number) => new Date((Math.floor(Date.now() / DAY) + days) * DAY).toISOString();

/** Where things are made, and by whom. */
interface World {
  app: TestApp;
  people: Record<'owner' | 'member' | 'former' | 'banned', Account>;
  thing(name: string): Promise<string>;
  done<T extends object>(who: 'owner' | 'member', method: string, path: string, body?: object): Promise<T>;
}

interface Made {
  id: string;
}
const posted = async (world: World, path: string, body: object, who: 'owner' | 'member' = 'owner') =>
  (await world.done<Made>(who, 'POST', path, body)).id;
const sent = async (world: World, chat: string, message: object) =>
  (await world.done<{ message_id: string }>('owner', 'POST', `chats/${chat}/messages`, message)).message_id;

/** A booking of the member's, set to a state or time. */
async function booking(world: World, days: number, put: string): Promise<string> {
  const body = { service_id: await world.thing('service'), starts_at: midnight(days) };
  const { id } = await world.done<BookingDto>('member', 'POST', 'bookings', body);
  await world.app.rows(`UPDATE bookings SET ${put} WHERE id = $1`, [id]);
  return id;
}
const HOURS_AGO = (hours: number) =>
  `starts_at = now() - interval '${hours} hours', ends_at = now() - interval '${hours - 1} hours'`;

/** The group and its first message, from before a member was removed. */
async function group(world: World): Promise<string> {
  const { app, people } = world;
  const { id } = await app.group(people.owner, people.member, people.former, people.banned);
  const message = await sent(world, id, { type: 'text', content: 'ours' });
  await world.done('owner', 'DELETE', `chats/${id}/members/{former}`);
  return `${id} ${message}`;
}
const partOf = (which: 0 | 1) => async (world: World) => (await world.thing('group')).split(' ')[which]!;

/** How to make each thing; returns its id. All belong to the owner unless noted. */
export const THINGS: Record<string, (world: World) => Promise<string>> = {
  group,
  chat: partOf(0),
  message: partOf(1),
  proposal: async (world) => {
    const metadata = { service_id: await world.thing('service') };
    const proposal = { type: 'booking_proposal', content: 'On Friday?', metadata };
    return sent(world, await world.thing('chat'), proposal);
  },
  post: (world) => posted(world, 'posts', { content: 'A post' }),
  /** Belongs to the member. */
  comment: (world) => posted(world, 'posts/{post}/comments', { content: 'A comment' }, 'member'),
  service: async (world) => {
    const weekly = [0, 1, 2, 3, 4, 5, 6].map((weekday) => ({ weekday, from: '00:00', to: '24:00' }));
    await world.done('owner', 'PUT', 'users/me/availability', { timezone: 'UTC', weekly });
    return posted(world, 'services', { name: 'Manicure', price: 2000, duration: 60 });
  },
  /** Requested by the member; one was yesterday, and one is over. */
  booking: (world) => booking(world, 2, `status = 'requested'`),
  visit: (world) => booking(world, 3, `status = 'confirmed', ${HOURS_AGO(3)}`),
  missed: (world) => booking(world, 5, `status = 'cancelled', no_show = true, ${HOURS_AGO(70)}`),
  visited: (world) => booking(world, 4, `status = 'completed', ${HOURS_AGO(50)}`),
  /** From the member to the owner. */
  request: async (world) =>
    posted(world, 'friends/requests', { user_id: await world.thing('owner') }, 'member'),
  notification: async (world) => {
    const id = newId();
    const { owner } = world.people;
    await world.app.rows(
      `INSERT INTO notifications (id, user_id, type, data) VALUES ($1, $2, 'mention', $3)`,
      [id, owner.id, { post_id: randomUUID(), comment_id: null, user_id: owner.id }],
    );
    return id;
  },
  session: async (world) => (jwt.decode(world.people.owner.token) as JwtPayload).sid as string,
  /** With a question and its answer. */
  talk: async (world) => {
    const id = await posted(world, 'assistant/chats', {});
    await world.app.rows(
      `INSERT INTO assistant_messages (id, chat_id, seq, role, status, content, reply_to)
       VALUES ($2, $1, 1, 'user', 'complete', 'And?', NULL), ($3, $1, 2, 'assistant', 'complete', 'Yes.', $2)`,
      [id, newId(), newId()],
    );
    await world.app.rows('UPDATE assistant_chats SET last_seq = 2 WHERE id = $1', [id]);
    return id;
  },
  /** A user with no other role. */
  target: async (world) => (await world.app.manyPeople(1))[0]!,
  report: async (world) => {
    const about = { kind: 'user', target_id: await world.thing('target'), reason: 'Spam' };
    return posted(world, 'reports', about, 'member');
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
  friend: async (world) => {
    const [[id], { owner }] = [(await world.app.manyPeople(1)) as [string], world.people];
    await world.app.rows('INSERT INTO friends (user_id, friend_id) VALUES ($1, $2), ($2, $1)', [
      owner.id,
      id,
    ]);
    return id;
  },
};

/** Texts that are not ids. */
export const TEXTS: Record<string, (world: World) => Promise<string>> = {
  slot: async () => midnight(9),
  later: async () => midnight(10),
  email: async () => `${randomUUID()}@example.com`,
  /** An account with a password. */
  account: async ({ app }) => (await app.register()).email,
  refresh: async ({ app }) => (await app.register()).refreshToken,
  /** Belongs to the owner. */
  token: async ({ people }) => people.owner.token,
};
