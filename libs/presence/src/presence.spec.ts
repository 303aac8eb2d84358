import type { PresenceEvent } from '#contracts';
import { Config, Metrics, type PrismaService } from '#platform';
import {
  EventPublisher,
  Hub,
  chatTopic,
  followersTopic,
  friendsTopic,
  watchersTopic,
  type Topic,
} from '#realtime';
import { Presence } from './presence.js';

let received: { topics: Topic | Topic[] | 'everyone'; event: string; user: string; at: string }[];
let presences: Presence[];
const start = (settings: Partial<Config> = {}) => {
  const publisher = new EventPublisher(new Hub());
  publisher.publish = (topics, event, payload) => {
    const { user_id, last_seen } = payload as PresenceEvent;
    received.push({ topics, event, user: user_id, at: last_seen });
  };
  const database = { $executeRaw: () => Promise.resolve(0) } as unknown as PrismaService;
  const presence = new Presence(database, publisher, Object.assign(new Config(), settings), new Metrics());
  presence.publishChanges(() => Promise.resolve([]));
  presences.push(presence);
  return presence;
};
beforeEach(() => {
  jest.useFakeTimers();
  received = [];
  presences = [];
});
afterEach(async () => {
  await Promise.all([
    ...presences.map((presence) => presence.onApplicationShutdown()),
    jest.advanceTimersByTimeAsync(5000),
  ]);
  jest.useRealTimers();
});

/** Events are published after their lookups. */
const settled = () => jest.advanceTimersByTimeAsync(0);
const isOnline = async (presence: Presence) => (await presence.present(['anna'])).has('anna');
const events = () => received.map(({ event }) => event);
const connectMany = (presence: Presence, count: number) => {
  for (let i = 0; i < count; i++) presence.connected(`user ${i}`, `socket ${i}`, [chatTopic(String(i))]);
};

/** The audience of a user, besides their chats. */
const around = (id: string) => [watchersTopic(id), followersTopic(id), friendsTopic(id)];

it('is published for the first device and, after the grace time, for the last', async () => {
  const presence = start();
  presence.connected('anna', 'phone', []);
  presence.connected('anna', 'tablet', []);
  presence.disconnected('anna', 'phone');
  await jest.advanceTimersByTimeAsync(60_000);
  expect([events(), await isOnline(presence)]).toEqual([['user:online'], true]);
  const left = new Date().toISOString();
  presence.disconnected('anna', 'tablet');
  await jest.advanceTimersByTimeAsync(2999);
  expect([events(), await isOnline(presence)]).toEqual([['user:online'], true]);
  await jest.advanceTimersByTimeAsync(1);
  expect([events(), await isOnline(presence)]).toEqual([['user:online', 'user:offline'], false]);
  expect(received[1]!.at).toBe(left);
});

it('publishes nothing for a user who returns within the grace time, and restarts that time', async () => {
  const presence = start();
  presence.connected('anna', 'phone', []);
  for (let i = 0; i < 3; i++) {
    presence.disconnected('anna', 'phone');
    await jest.advanceTimersByTimeAsync(2000);
    presence.connected('anna', 'phone', []);
    await jest.advanceTimersByTimeAsync(2000);
  }
  expect(events()).toEqual(['user:online']);
  presence.disconnected('anna', 'phone');
  await jest.advanceTimersByTimeAsync(3000);
  expect(events()).toEqual(['user:online', 'user:offline']);
});

it('ignores an unknown device and a second disconnect', async () => {
  const presence = start();
  presence.connected('anna', 'phone', []);
  presence.disconnected('anna', 'unknown');
  presence.disconnected('boris', 'unknown');
  presence.disconnected('anna', 'phone');
  presence.disconnected('anna', 'phone');
  await jest.advanceTimersByTimeAsync(10_000);
  expect(events()).toEqual(['user:online', 'user:offline']);
});

it('is published to everyone while fewer than 500 users are connected, whatever their devices, then to the audience', async () => {
  const presence = start();
  connectMany(presence, 498);
  for (let i = 0; i < 100; i++) presence.connected('user 1', `another ${i}`, []);
  presence.connected('the 499th', 'phone', [chatTopic('chat')]);
  await settled();
  expect(received.at(-1)!.topics).toBe('everyone');
  presence.connected('the 500th', 'phone', [chatTopic('a'), chatTopic('b')]);
  await settled();
  expect(received.at(-1)!.topics).toEqual([chatTopic('a'), chatTopic('b'), ...around('the 500th')]);
  presence.disconnected('the 500th', 'phone');
  presence.disconnected('the 499th', 'phone');
  await jest.advanceTimersByTimeAsync(3000);
  expect(received.at(-1)!.topics).toBe('everyone');
});

it.each([
  ['everyone', 600, 'everyone'],
  ['contacts', 0, [chatTopic('chat'), ...around('anna')]],
] as const)('is published to %s when the setting says so', async (PRESENCE_AUDIENCE, connected, topics) => {
  const presence = start({ PRESENCE_AUDIENCE });
  connectMany(presence, connected);
  presence.connected('anna', 'phone', [chatTopic('chat')]);
  await settled();
  expect(received.at(-1)!.topics).toEqual(topics);
});

it('is published to the audience when the number of connected users is unknown', async () => {
  const presence = start();
  presence.publishChanges((userId) => Promise.resolve([chatTopic(`of ${userId}`)]));
  presence.connected('anna', 'phone', []);
  await settled();
  jest.spyOn(presence, 'onlineCount').mockRejectedValue(new Error('Command timed out'));
  presence.disconnected('anna', 'phone');
  await jest.advanceTimersByTimeAsync(3000);
  expect(received.at(-1)).toMatchObject({
    event: 'user:offline',
    topics: [chatTopic('of anna'), ...around('anna')],
  });
});
