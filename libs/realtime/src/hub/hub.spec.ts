import { blockedTopic, chatTopic, sessionTopic, userTopic, watchersTopic } from '../topics.js';
import { Hub } from './hub.js';
import { DatabaseSnapshot, type SubscriptionChange } from './subscription-changes.js';
import { TestConnection, TestProtocol } from './test-connection.js';

const message = (fields: object = {}) => ({
  name: 'chat:message:new' as const,
  payload: { id: 'm' },
  ...fields,
});
const typing = { name: 'chat:typing' as const, payload: {} };
const chat = chatTopic('chat');
/** A snapshot that has seen the transactions before `xid`. */
const before = (xid: number) => {
  const snapshot = new DatabaseSnapshot(`${xid}:${xid}:`);
  return { chats: snapshot, relationships: snapshot };
};
const change = (member: boolean, version: number): SubscriptionChange => ({
  member,
  version: BigInt(version),
  xid: BigInt(100 + version),
});

let hub: Hub;
beforeEach(() => (hub = new Hub()));

const read = (connection: TestConnection, readAfter = connection.invalidations) =>
  hub.activate(connection, { topics: [chat], seen: before(100), readAfter });

/** An active device that is subscribed to the chat. */
function device(userId: string, protocol?: TestProtocol, id?: string): TestConnection {
  const connection = new TestConnection(userId, id, protocol);
  hub.register(connection);
  read(connection);
  return connection;
}

it('an inactive connection receives nothing, and is signed out', () => {
  const anna = new TestConnection('anna');
  hub.register(anna);
  hub.deliver({ event: message(), topics: [userTopic('anna')] });
  hub.deliver({ event: message(), topics: [] });
  expect(anna.received).toEqual([]);
  hub.signOut(sessionTopic(anna.sessionId));
  hub.signOut(userTopic('anna'));
  expect(anna.signedOut).toEqual(['session_revoked', 'account_banned']);
});

it('an event for several topics arrives once at a connection that is subscribed to all of them', () => {
  const anna = device('anna');
  hub.subscribe(anna, watchersTopic('boris'));
  hub.deliver({ event: message(), topics: [watchersTopic('boris'), chat, userTopic('anna')] });
  expect(anna.received).toHaveLength(1);
});

it('an event without topics arrives at every connection', () => {
  const devices = [device('anna'), device('boris')];
  hub.deliver({ event: typing, topics: [] });
  expect(devices.map(({ received }) => received.length)).toEqual([1, 1]);
});

it.each([1, 20])('an event does not arrive at subscribers of %s excluded topics', (count) => {
  const users = Array.from({ length: count }, (_, i) => `user ${i}`);
  const excluded = users.map((id) => device(id));
  const anna = device('anna');
  hub.deliver({ event: typing, topics: [chat], except: users.map(userTopic) });
  expect(excluded.flatMap(({ received }) => received)).toEqual([]);
  expect(anna.received).toHaveLength(1);
});

it('an event does not arrive at the excluded connection, but at others of the same user', () => {
  const [phone, tablet] = [device('anna', undefined, 'phone'), device('anna', undefined, 'tablet')];
  hub.deliver({ event: message(), topics: [userTopic('anna')], exceptConnection: 'phone' });
  expect([phone.received.length, tablet.received.length]).toEqual([0, 1]);
});

it('own fields arrive at the connections of their user alone', () => {
  const [anna, boris] = [device('anna'), device('boris')];
  hub.deliver({ event: message({ own: { userId: 'anna', fields: { temp_id: 't' } } }), topics: [chat] });
  expect(anna.received).toEqual(['plain chat:message:new {"id":"m","temp_id":"t"}']);
  expect(boris.received).toEqual(['plain chat:message:new {"id":"m"}']);
});

it('an event is encoded once for each protocol and form, and not without receivers', () => {
  const [plain, dialect] = [new TestProtocol(), new TestProtocol('dialect')];
  const devices = [plain, plain, dialect, dialect].map((protocol, i) =>
    device(`user ${i % 3}`, protocol, `${i}`),
  );
  hub.deliver({ event: message({ own: { userId: 'user 0', fields: {} } }), topics: [chat] });
  expect(devices.map(({ received }) => received.length)).toEqual([1, 1, 1, 1]);
  // User 0 has a device of each.
  expect([plain.encoded, dialect.encoded]).toEqual([2, 2]);
  hub.deliver({ event: message(), topics: [chatTopic('empty')] });
  hub.deliver({ event: message(), topics: [chat], except: [chat] });
  expect([plain.encoded, dialect.encoded]).toEqual([2, 2]);
});

it('an event that a protocol does not have is not sent', () => {
  const silent = new TestProtocol();
  silent.encode = () => undefined as never;
  const anna = device('anna', silent);
  hub.deliver({ event: message(), topics: [chat] });
  hub.deliverTo([anna], chat, message());
  expect(anna.received).toEqual([]);
});

it('names are hidden from connections with a block, in one form for each set of names', () => {
  const protocol = new TestProtocol();
  const [anna, boris, clara, dora] = ['anna', 'boris', 'clara', 'dora'].map((id) => device(id, protocol)) as [
    TestConnection,
    TestConnection,
    TestConnection,
    TestConnection,
  ];
  hub.redaction = {
    namesIn: ({ name }) => (name === 'chat:message:new' ? ['egor', 'fedor'] : []),
    without: (event, userIds) => ({ ...event, payload: { without: userIds } }),
  };
  for (const connection of [boris, clara, dora]) hub.subscribe(connection, blockedTopic('egor'));
  hub.subscribe(dora, blockedTopic('fedor'));
  hub.deliver({ event: message(), topics: [chat] });
  expect(anna.received).toEqual(['plain chat:message:new {"id":"m"}']);
  expect(boris.received).toEqual(['plain chat:message:new {"without":["egor"]}']);
  expect(clara.received).toEqual(boris.received);
  expect(dora.received).toEqual(['plain chat:message:new {"without":["egor","fedor"]}']);
  expect(protocol.encoded).toBe(3);
  hub.deliver({ event: typing, topics: [chat] });
  expect(dora.received.at(-1)).toBe('plain chat:typing {}');
});

it('an event for some connections does not arrive at those that have left the topic', () => {
  const [anna, boris] = [device('anna'), device('boris')];
  hub.unsubscribe(boris, chat);
  hub.deliverTo([anna, boris], chat, message());
  expect([anna.received.length, boris.received.length]).toEqual([1, 0]);
});

describe('a change with an unknown outcome', () => {
  let stale: unknown[];
  beforeEach(() => {
    stale = [];
    hub.observer = { onStale: (connection) => stale.push(connection), onSubscribed: () => undefined };
  });

  it('stops the events of its topic until the subscriptions have been read again', () => {
    const anna = device('anna');
    hub.subscriptionsChanged(chat, ['anna']);
    hub.deliver({ event: message(), topics: [chat] });
    expect([anna.received.length, stale]).toEqual([0, [anna]]);
    read(anna);
    hub.deliver({ event: message(), topics: [chat] });
    expect(anna.received).toHaveLength(1);
  });

  it('makes earlier reads useless, also for a connection that is not active yet', () => {
    const [anna, phone] = [device('anna'), new TestConnection('anna', 'phone')];
    hub.register(phone);
    hub.subscriptionsChanged(chat, ['anna']);
    expect([anna, phone].map((connection) => read(connection, 0))).toEqual([false, false]);
    hub.deliver({ event: message(), topics: [chat] });
    expect([anna, phone].flatMap(({ received }) => received)).toEqual([]);
    expect([anna, phone].map((connection) => read(connection))).toEqual([true, true]);
  });

  it('excludes people with a possible block until the subscriptions have been read again', () => {
    const anna = device('anna');
    const event = { event: typing, topics: [chat], except: [blockedTopic('boris')] };
    hub.subscriptionsChanged(blockedTopic('boris'), ['anna']);
    hub.deliver(event);
    expect([anna.received.length, stale]).toEqual([0, [anna]]);
    read(anna);
    hub.deliver(event);
    expect(anna.received).toHaveLength(1);
  });
});

it('a connection that a change subscribes to a topic is reported, since it may now have too many', () => {
  const anna = device('anna');
  const subscribed: unknown[] = [];
  hub.observer = { onStale: () => undefined, onSubscribed: (connection) => subscribed.push(connection) };
  hub.subscriptionsChanged(chatTopic('other'), ['anna'], change(true, 1));
  hub.subscriptionsChanged(chatTopic('other'), ['anna'], change(false, 2));
  expect(subscribed).toEqual([anna]);
});

it('a topic without connections is forgotten, and so are the changes of a user without connections', () => {
  const { topics, changes } = hub as unknown as {
    topics: Map<string, Map<string, unknown>>;
    changes: Map<string, unknown>;
  };
  const [anna, boris] = [device('anna'), device('boris')];
  hub.subscribe(anna, watchersTopic('boris'));
  hub.subscriptionsChanged(chatTopic('left'), ['anna'], change(false, 1));
  hub.subscriptionsChanged(blockedTopic('boris'), ['anna', 'nobody'], change(true, 2));
  // This read has not seen the change, which ends the only subscription to the chat.
  hub.activate(anna, { topics: [chatTopic('left')], seen: before(100), readAfter: 0 });
  hub.subscriptionsChanged(chatTopic('other'), ['boris']);
  for (const connection of [anna, boris]) hub.remove(connection);
  // Its last event has ended after its disconnection.
  hub.subscribe(anna, watchersTopic('boris'));
  read(anna);
  expect([...topics.values()].map(({ size }) => size)).toEqual([...topics.values()].map(() => 0));
  expect(changes.size).toBe(0);
  expect([...anna.subscriptions, ...boris.subscriptions, ...hub.all()]).toEqual([]);
});

it('at most 1000 changes are remembered for a user, the newest ones', () => {
  const anna = device('anna');
  for (let i = 1; i <= 1500; i++) hub.subscriptionsChanged(chatTopic(`${i}`), ['anna'], change(true, i));
  hub.activate(anna, { topics: [], seen: before(100), readAfter: 0 });
  expect(anna.topics).toHaveLength(1000);
  expect(anna.topics).toContain('chat:501');
  expect(anna.topics).not.toContain('chat:500');
});
