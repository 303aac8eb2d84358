import fc from 'fast-check';
import type { OutgoingEvent } from '../hub/outgoing-event.js';
import type { Topic } from '../topics.js';
import type { ClusterCommand } from './command.js';
import { fromWire, toWire, type WireCommand } from './wire.js';

const through = (command: ClusterCommand) =>
  fromWire(JSON.parse(JSON.stringify(toWire(command))) as WireCommand);
const read = (json: string) => fromWire(JSON.parse(json) as WireCommand);

const id = fc.uuid();
const ids = fc.array(id, { maxLength: 4 });
const topic: fc.Arbitrary<Topic> = fc.record({
  kind: fc.constantFrom(
    ...(['user', 'session', 'chat', 'followers', 'friends', 'blocked', 'watchers', 'assistant'] as const),
  ),
  id,
});
// Not `fc.string({ unit: 'binary' })`, which first indexes all of Unicode.
const text = fc.array(fc.nat({ max: 0x10ffff })).map((points) => String.fromCodePoint(...points));
const payload = fc.record({ chat_id: id, text, count: fc.nat() });
const event: fc.Arbitrary<OutgoingEvent> = fc.oneof(
  fc.record({ name: fc.constant('chat:message:new' as const), payload }),
  fc.record({ name: fc.constant('chat:message:read' as const), payloads: fc.array(payload) }),
  fc.record({
    name: fc.constant('chat:message:new' as const),
    payload,
    own: fc.record({ userId: id, fields: payload }),
  }),
  fc.record({
    name: fc.constant('assistant' as const),
    payload: fc.record({ chatId: id, event: fc.record({ type: fc.string() }) }),
  }),
);
const connectionId = fc.stringMatching(/^[\w-]{20}$/);
const delivery = fc.record(
  {
    event,
    topics: fc.array(topic, { maxLength: 4 }),
    except: fc.array(topic, { maxLength: 4 }),
    exceptConnection: connectionId,
  },
  { requiredKeys: ['event', 'topics', 'except'] },
);
const number = fc.bigInt(0n, 2n ** 64n - 1n);
const change = fc.record({ member: fc.boolean(), version: number, xid: number });
const signal = fc.oneof(
  fc.record({
    signal: fc.constant('chatChanged' as const),
    data: fc.record(
      { chatId: id, onlyUserIds: ids, exceptUserIds: ids, exceptConnection: connectionId },
      { requiredKeys: ['chatId', 'onlyUserIds', 'exceptUserIds'] },
    ),
  }),
  fc.record({
    signal: fc.constant('typingEnds' as const),
    data: fc.record({ userIds: ids, chatId: id }, { requiredKeys: ['userIds'] }),
  }),
  fc.record({ signal: fc.constant('stopAnswer' as const), data: fc.record({ chatId: id }) }),
  fc.record({ signal: fc.constant('stopAnswersOf' as const), data: fc.record({ userId: id }) }),
);
const command: fc.Arbitrary<ClusterCommand> = fc.oneof(
  delivery.map((delivery) => ({ name: 'deliver' as const, delivery })),
  topic.map((topic) => ({ name: 'signOut' as const, topic })),
  fc.record(
    { name: fc.constant('subscriptionsChanged' as const), topic, userIds: ids, change },
    { requiredKeys: ['name', 'topic', 'userIds'] },
  ),
  signal.map((signal) => ({ name: 'signal' as const, ...signal })),
);

it('every command arrives on another node as it was published', () => {
  fc.assert(fc.property(command, (command) => expect(through(command)).toEqual(command)));
});

describe('a command of the older version', () => {
  it('delivers an event to rooms, except to others and to one device', () => {
    const json =
      '{"name":"broadcast","rooms":["chat:c1","user:u1"],"except":["cut:u2","followers:u3","Hx3k_-Qz0AAAB"],' +
      '"what":{"type":2,"data":["chat:typing",{"chat_id":"c1"}]}}';
    expect(read(json)).toEqual({
      name: 'deliver',
      delivery: {
        event: { name: 'chat:typing', payload: { chat_id: 'c1' } },
        topics: [
          { kind: 'chat', id: 'c1' },
          { kind: 'user', id: 'u1' },
        ],
        except: [
          { kind: 'blocked', id: 'u2' },
          { kind: 'followers', id: 'u3' },
        ],
        exceptConnection: 'Hx3k_-Qz0AAAB',
      },
    });
  });

  it('delivers many events of one name', () => {
    const json =
      '{"name":"broadcast","rooms":["user:u1"],"what":{"type":2,"data":["chat:message:read"],"each":[{"n":1},{"n":2}]}}';
    expect(read(json)).toEqual({
      name: 'deliver',
      delivery: {
        event: { name: 'chat:message:read', payloads: [{ n: 1 }, { n: 2 }] },
        topics: [{ kind: 'user', id: 'u1' }],
        except: [],
      },
    });
  });

  it('delivers fields only for the devices of one user', () => {
    const json =
      '{"name":"broadcast","rooms":["chat:c1"],' +
      '"what":{"type":2,"data":["chat:message:new",{"id":"m"}],"own":{"room":"user:u1","fields":{"temp_id":"t"}}}}';
    expect(read(json)).toMatchObject({
      delivery: { event: { payload: { id: 'm' }, own: { userId: 'u1', fields: { temp_id: 't' } } } },
    });
  });

  it('delivers to every device when it names no rooms', () => {
    const json = '{"name":"broadcast","rooms":[],"what":{"type":2,"data":["user:online",{"user_id":"u1"}]}}';
    expect(read(json)).toMatchObject({ name: 'deliver', delivery: { topics: [] } });
  });

  it('signs out a session or a user', () => {
    expect(read('{"name":"disconnectSockets","rooms":["session:s1"]}')).toEqual({
      name: 'signOut',
      topic: { kind: 'session', id: 's1' },
    });
    expect(read('{"name":"disconnectSockets","rooms":["user:u1"]}')).toEqual({
      name: 'signOut',
      topic: { kind: 'user', id: 'u1' },
    });
  });

  it('changes subscriptions with an unknown outcome', () => {
    const json = '{"name":"refreshSubscriptions","rooms":["user:u1","user:u2"],"what":"cut:u3"}';
    expect(read(json)).toEqual({
      name: 'subscriptionsChanged',
      topic: { kind: 'blocked', id: 'u3' },
      userIds: ['u1', 'u2'],
      change: undefined,
    });
  });

  it('shows a changed chat, ends typing, and stops answers', () => {
    expect(read('{"name":"stopAnswersOf","rooms":["user:u1"]}')).toEqual({
      name: 'signal',
      signal: 'stopAnswersOf',
      data: { userId: 'u1' },
    });
    expect(read('{"name":"chatChanged","rooms":[],"except":["user:u1"],"what":"chat:c1"}')).toEqual({
      name: 'signal',
      signal: 'chatChanged',
      data: { chatId: 'c1', onlyUserIds: [], exceptUserIds: ['u1'] },
    });
    expect(read('{"name":"typingEnds","rooms":["user:u1","user:u2"]}')).toEqual({
      name: 'signal',
      signal: 'typingEnds',
      data: { userIds: ['u1', 'u2'] },
    });
    expect(read('{"name":"typingEnds","rooms":["user:u1"],"what":"chat:c1"}')).toEqual({
      name: 'signal',
      signal: 'typingEnds',
      data: { userIds: ['u1'], chatId: 'c1' },
    });
    const stop =
      '{"name":"broadcast","rooms":["assistant:a1"],"what":{"type":2,"data":["assistant",{"chatId":"a1","stop":true}]}}';
    expect(read(stop)).toEqual({ name: 'signal', signal: 'stopAnswer', data: { chatId: 'a1' } });
  });
});

describe('a command of a newer version', () => {
  it('is not applied when its name is unknown', () => {
    expect(read('{"name":"renamed","rooms":["user:u1"],"what":"chat:c1"}')).toBeUndefined();
  });

  it('is not delivered to everybody when its rooms are unknown', () => {
    expect(
      read('{"name":"broadcast","rooms":["team:t1"],"what":{"type":2,"data":["chat:typing",{}]}}'),
    ).toBeUndefined();
    expect(read('{"name":"disconnectSockets","rooms":["team:t1"]}')).toBeUndefined();
    expect(read('{"name":"refreshSubscriptions","rooms":["user:u1"],"what":"team:t1"}')).toBeUndefined();
  });
});

describe('the older version reads', () => {
  const written = (command: ClusterCommand) => JSON.parse(JSON.stringify(toWire(command))) as object;
  const [user, chat] = [{ kind: 'user', id: 'u1' } as const, { kind: 'chat', id: 'c1' } as const];

  it('an event with its audience', () => {
    const event = {
      name: 'chat:message:new',
      payload: { id: 'm' },
      own: { userId: 'u1', fields: { temp_id: 't' } },
    } as const;
    const blocked = { kind: 'blocked', id: 'u2' } as const;
    expect(
      written({
        name: 'deliver',
        delivery: { event, topics: [chat], except: [blocked], exceptConnection: 'socket' },
      }),
    ).toStrictEqual({
      name: 'broadcast',
      rooms: ['chat:c1'],
      except: ['cut:u2', 'socket'],
      what: {
        type: 2,
        data: ['chat:message:new', { id: 'm' }],
        own: { room: 'user:u1', fields: { temp_id: 't' } },
      },
    });
  });

  it('many events of one name', () => {
    const event = { name: 'chat:message:read' as const, payloads: [{ n: 1 }] };
    expect(written({ name: 'deliver', delivery: { event, topics: [user] } })).toStrictEqual({
      name: 'broadcast',
      rooms: ['user:u1'],
      except: [],
      what: { type: 2, data: ['chat:message:read'], each: [{ n: 1 }] },
    });
  });

  it('a sign-out and the signals', () => {
    expect(written({ name: 'signOut', topic: { kind: 'session', id: 's1' } })).toStrictEqual({
      name: 'disconnectSockets',
      rooms: ['session:s1'],
    });
    expect(
      written({
        name: 'signal',
        signal: 'chatChanged',
        data: { chatId: 'c1', onlyUserIds: [], exceptUserIds: ['u1'] },
      }),
    ).toStrictEqual({ name: 'chatChanged', rooms: [], except: ['user:u1'], what: 'chat:c1' });
    expect(
      written({
        name: 'signal',
        signal: 'chatChanged',
        data: { chatId: 'c1', onlyUserIds: ['u1'], exceptUserIds: [], exceptConnection: 'socket' },
      }),
    ).toStrictEqual({ name: 'chatChanged', rooms: ['user:u1'], except: ['socket'], what: 'chat:c1' });
    expect(written({ name: 'signal', signal: 'typingEnds', data: { userIds: ['u1'] } })).toStrictEqual({
      name: 'typingEnds',
      rooms: ['user:u1'],
    });
    expect(written({ name: 'signal', signal: 'stopAnswersOf', data: { userId: 'u1' } })).toStrictEqual({
      name: 'stopAnswersOf',
      rooms: ['user:u1'],
    });
    expect(written({ name: 'signal', signal: 'stopAnswer', data: { chatId: 'a1' } })).toStrictEqual({
      name: 'broadcast',
      rooms: ['assistant:a1'],
      what: { type: 2, data: ['assistant', { chatId: 'a1', stop: true }] },
    });
  });

  it('a change of subscriptions, with the key of its outcome besides', () => {
    const change = { member: true, version: 2n ** 60n, xid: 7n };
    const command = { name: 'subscriptionsChanged' as const, topic: chat, userIds: ['u1'] };
    const known = { name: 'refreshSubscriptions', rooms: ['user:u1'], what: 'chat:c1' };
    expect(written(command)).toStrictEqual(known);
    expect(written({ ...command, change })).toStrictEqual({
      ...known,
      change: { member: true, version: '1152921504606846976', xid: '7' },
    });
  });
});
