import { AppError, type ChatDto } from '#contracts';
import { EventPublisher, Hub, blockedTopic, chatTopic, followersTopic, userTopic } from '#realtime';
import { DatabaseSession, Device, PlainClient, TestApp, text, type Account } from '#testing';

let app: TestApp;
let publisher: EventPublisher;
let database: DatabaseSession;
let anna: Account;
let boris: Account;
let vera: Account;
let gleb: Account;
let annaDevice: Device;
let borisDevice: Device;
let glebDevice: Device;
let classic: PlainClient;
let group: ChatDto;
beforeAll(async () => {
  app = await TestApp.start();
  publisher = app.app.get(EventPublisher);
  database = await DatabaseSession.at(app.databaseUrl);
  [anna, boris, vera, gleb] = await app.people('Анна', 'Борис', 'Вера', 'Глеб');
  [annaDevice, borisDevice, glebDevice] = await app.devices(anna, boris, gleb);
  classic = PlainClient.open(`${app.url}/messenger-classic`, { auth: { token: boris.token } });
  await classic.next('connected');
  group = await app.group(anna, boris, vera);
  await borisDevice.next('chat:created', ({ id }) => id === group.id);
});
afterAll(async () => {
  classic.close();
  await database.end();
  await app.stop();
});

type Pair = Record<'dina' | 'egor', Account>;
const group2 = ({ id }: Account) => ({ type: 'group', title: 'Группа', participant_ids: [id] });

/** A node that stalls between its commit and the publish of this change: it publishes when the function is called. */
const holdNext = () => {
  const publish = publisher.subscriptionsChanged.bind(publisher);
  const held: (() => void)[] = [];
  jest.spyOn(publisher, 'subscriptionsChanged').mockImplementationOnce((...change) => {
    held.push(() => publish(...change));
  });
  return () => {
    expect(held).toHaveLength(1);
    held[0]!();
  };
};
/** Blocks all reads of subscriptions until the work is done. */
const whileUnknown = async (work: () => Promise<void>) => {
  await database.query('BEGIN');
  await database.query('LOCK follows IN ACCESS EXCLUSIVE MODE');
  try {
    await work();
    await database.somebodyWaits();
  } finally {
    await database.query('ROLLBACK');
  }
};
const add = async (user: Account) => {
  const { status } = await app.request('POST', `chats/${group.id}/members`, anna.token, {
    user_ids: [user.id],
  });
  expect(status).toBe(201);
};
const remove = async (user: Account) =>
  expect((await app.request('DELETE', `chats/${group.id}/members/${user.id}`, anna.token)).status).toBe(204);
const synced = (device: Device, times: number) =>
  device.until(() => device.all('sync:required').length >= times || undefined, 'sync:required');
const block = (by: Account, user: Account, on: boolean) =>
  app.request(on ? 'PUT' : 'DELETE', `users/${user.id}/block`, by.token);
const say = (...contents: string[]) =>
  Promise.all(contents.map((content) => annaDevice.send('chat:message:send', text(group, content))));
const received = (device: Device) =>
  device
    .all('chat:message:new')
    .filter(({ chat_id }) => chat_id === group.id)
    .map(({ content }) => content);
const online = (user: Account) => ({ user_id: user.id, online: true, last_seen: new Date().toISOString() });
const onlinesOf = (device: Device, user: Account) =>
  device.all('user:online').filter(({ user_id }) => user_id === user.id).length;
/** Waits for the events published to the user's devices. */
const receivedAll = async (device: Device, user: Account) => {
  const mark = online(user);
  publisher.publish(userTopic(user.id), 'user:online', mark);
  await device.next(
    'user:online',
    ({ user_id, last_seen }) => user_id === user.id && last_seen === mark.last_seen,
  );
};

// Two nodes that change one membership may publish out of commit order, so the last event is not the truth.
describe('a change of a membership that is published late', () => {
  it('lets no removed member receive the chat', async () => {
    const publishJoin = holdNext();
    await add(gleb);
    await remove(gleb);
    publishJoin();
    await say('for members only');
    await receivedAll(glebDevice, gleb);
    expect(received(glebDevice)).not.toContain('for members only');
  });

  it('makes no member miss an event, receive it twice or in another order', async () => {
    const publishLeave = holdNext();
    await remove(boris);
    await add(boris);
    publishLeave();
    const [before, classics] = [received(borisDevice).length, classic.all('new-message').length];
    await say('one', 'two', 'three', 'four');
    await borisDevice.until(() => received(borisDevice).length >= before + 4 || undefined, 'four messages');
    await borisDevice.settled();
    expect(received(borisDevice).slice(before)).toEqual(['one', 'two', 'three', 'four']);
    await classic.until(() => classic.all('new-message').length === classics + 4 || undefined, 'new-message');
  });

  it('hides people with a block, and shows them when there is none', async () => {
    const [dina, egor] = await app.people('Дина', 'Егор');
    const [device] = await app.devices(egor);
    const comes = async () => {
      publisher.publish('everyone', 'user:online', online(dina), { except: [blockedTopic(dina.id)] });
      await receivedAll(device, egor);
      return onlinesOf(device, dina);
    };
    await block(dina, egor, true);
    const publishUnblock = holdNext();
    await block(dina, egor, false);
    await block(dina, egor, true);
    publishUnblock();
    expect(await comes()).toBe(0);
    const publishBlock = holdNext();
    await block(egor, dina, true);
    await block(egor, dina, false);
    await block(dina, egor, false);
    publishBlock();
    expect(await comes()).toBe(1);
  });

  it('follows and unfollows in the order of the commits', async () => {
    const [dina, egor] = await app.people('Дина', 'Егор');
    const [device] = await app.devices(egor);
    const follow = (on: boolean) => app.request(on ? 'PUT' : 'DELETE', `users/${dina.id}/follow`, egor.token);
    const comes = async () => {
      publisher.publish(followersTopic(dina.id), 'user:online', online(dina));
      await receivedAll(device, egor);
      return onlinesOf(device, dina);
    };
    const publishFollow = holdNext();
    await follow(true);
    await follow(false);
    publishFollow();
    expect(await comes()).toBe(0);
    await follow(true);
    const publishUnfollow = holdNext();
    await follow(false);
    await follow(true);
    publishUnfollow();
    expect(await comes()).toBe(1);
  });
});

describe('a change of a membership', () => {
  it('reaches a device in any number at any rate, and delays none of its events', async () => {
    let version = 2n ** 50n;
    const changing = setInterval(() => {
      version += 1n;
      const change = { member: version % 2n === 0n, version, xid: version };
      publisher.subscriptionsChanged(followersTopic(vera.id), [boris.id], change);
    }, 1);
    try {
      for (let i = 0; i < 5; i++) {
        const event = online(vera);
        publisher.publish(chatTopic(group.id), 'user:online', event, { except: [blockedTopic(vera.id)] });
        await say(`changed ${i}`);
        await borisDevice.next('user:online', ({ last_seen }) => last_seen === event.last_seen);
        await borisDevice.next('chat:message:new', ({ content }) => content === `changed ${i}`);
      }
    } finally {
      clearInterval(changing);
    }
  });

  it('lets the device receive an event for several of its topics once', async () => {
    await app.request('PUT', `users/${anna.id}/follow`, boris.token);
    const before = onlinesOf(borisDevice, anna);
    const topics = [chatTopic(group.id), followersTopic(anna.id), chatTopic(group.id)];
    publisher.publish(topics, 'user:online', online(anna));
    await receivedAll(borisDevice, boris);
    expect(onlinesOf(borisDevice, anna)).toBe(before + 1);
  });
});

// The database confirmed neither the commit nor the rollback.
describe('a change of a membership with an unknown outcome', () => {
  it('lets a device receive nothing of the chat until its membership has been read', async () => {
    const before = received(glebDevice).length;
    await whileUnknown(async () => {
      publisher.subscriptionsChanged(chatTopic(group.id), [gleb.id]);
      await say('for members only');
      await receivedAll(glebDevice, gleb);
    });
    await say('for members only, too');
    await receivedAll(glebDevice, gleb);
    expect(received(glebDevice)).toHaveLength(before);
  });

  it('makes a member sync, who receives the chat again afterwards', async () => {
    const [syncs, before] = [borisDevice.all('sync:required').length, received(borisDevice).length];
    await whileUnknown(async () => {
      publisher.subscriptionsChanged(chatTopic(group.id), [boris.id]);
      await say('not delivered');
      await receivedAll(borisDevice, boris);
      expect(received(borisDevice)).toHaveLength(before);
    });
    await synced(borisDevice, syncs + 1);
    await say('after it');
    await borisDevice.next('chat:message:new', ({ content }) => content === 'after it');
    // Clients of this dialect sync when they reconnect.
    await classic.until(() => classic.all('connected').length === 2 || undefined, 'connected');
  });

  it('hides people until it is known that there is no block', async () => {
    const shows = () => {
      publisher.publish('everyone', 'user:online', online(vera), { except: [blockedTopic(vera.id)] });
      return receivedAll(borisDevice, boris);
    };
    const before = onlinesOf(borisDevice, vera);
    const syncs = borisDevice.all('sync:required').length;
    await whileUnknown(async () => {
      publisher.subscriptionsChanged(blockedTopic(vera.id), [boris.id]);
      await shows();
      expect(onlinesOf(borisDevice, vera)).toBe(before);
    });
    await synced(borisDevice, syncs + 1);
    await shows();
    expect(onlinesOf(borisDevice, vera)).toBe(before + 1);
  });

  it('delays no sign-out', async () => {
    const egor = await app.register('Егор');
    const [device] = await app.devices(egor);
    await whileUnknown(async () => {
      publisher.subscriptionsChanged(blockedTopic(vera.id), [egor.id]);
      publisher.signOut({ userId: egor.id }, new AppError('UNAUTHORIZED', 'Signed out').toBody());
      expect((await device.next('error')).code).toBe('UNAUTHORIZED');
      await device.disconnected();
    });
  });
});

describe('a change whose commit was not confirmed', () => {
  /** Commits the next change of subscriptions, and loses the answer. No job makes one while nobody is banned. */
  const loseNextAnswer = () => {
    const change = publisher.changeSubscriptions.bind(publisher);
    jest.spyOn(publisher, 'changeSubscriptions').mockImplementationOnce((store) =>
      change(async (name) => {
        await store(name);
        throw new Error('Connection terminated unexpectedly');
      }),
    );
  };
  const topicsOf = (user: Account) => {
    const [connection] = app.app.get(Hub).connectionsOf(userTopic(user.id));
    return new Set([...connection!.subscriptions].map(({ kind, id }) => `${kind} ${id}`));
  };

  it.each([
    ['a new group', 'chat', ({ dina, egor }: Pair) => app.request('POST', 'chats', dina.token, group2(egor))],
    [
      'a follow',
      'followers',
      ({ dina, egor }: Pair) => app.request('PUT', `users/${dina.id}/follow`, egor.token),
    ],
    [
      'a block',
      'blocked',
      ({ dina, egor }: Pair) => app.request('PUT', `users/${egor.id}/block`, dina.token),
    ],
  ] as const)('%s takes effect, and the device is asked to sync', async (_, kind, act) => {
    const [dina, egor] = await app.people('Дина', 'Егор');
    const [device] = await app.devices(egor);
    await device.next('sync:required');
    loseNextAnswer();
    expect((await act({ dina, egor })).status).toBe(503);
    await synced(device, 2);
    expect([...topicsOf(egor)].filter((topic) => topic.startsWith(kind))).toHaveLength(1);
  });

  it('a removal takes effect at once', async () => {
    const [dina, egor] = await app.people('Дина', 'Егор');
    const chat = await app.group(dina, egor);
    const [device] = await app.devices(egor);
    await device.next('sync:required');
    loseNextAnswer();
    expect((await app.request('DELETE', `chats/${chat.id}/members/${egor.id}`, dina.token)).status).toBe(503);
    const body = { type: 'text', content: 'without him' };
    await app.request('POST', `chats/${chat.id}/messages`, dina.token, body);
    await synced(device, 2);
    await receivedAll(device, egor);
    expect(device.all('chat:message:new')).toEqual([]);
  });
});

describe('a connecting device', () => {
  it('receives nothing before its welcome events, and is signed out all the same', async () => {
    const order: string[] = [];
    const [egor, dina] = await app.people('Егор', 'Дина');
    let signedOut: Device;
    let device: Device;
    await whileUnknown(async () => {
      device = app.keep(Device.open(app.url, egor.token));
      // Other users come and go meanwhile.
      device.socket.onAny((event: string) => event.startsWith('user:') || order.push(event));
      signedOut = app.keep(Device.open(app.url, dina.token));
      await database.somebodyWaits();
      await add(egor);
      publisher.publish(userTopic(egor.id), 'chat:read', {
        chat_id: group.id,
        last_read_seq: 1,
        unread_count: 0,
      });
      await say('it will sync');
      expect((await app.request('POST', 'auth/logout', dina.token)).status).toBe(204);
    });
    await device!.next('sync:required');
    const { message_id } = (await say('live'))[0]!;
    await device!.next('chat:message:new', ({ id }) => id === message_id);
    expect(order.slice(0, 3)).toEqual(['connected', 'sync:required', 'chat:message:new']);
    expect((await signedOut!.next('error')).code).toBe('UNAUTHORIZED');
    await signedOut!.disconnected();
  });

  it('has the subscriptions of after a change whose outcome became unknown meanwhile', async () => {
    const egor = await app.register('Егор');
    await add(egor);
    let device: Device;
    const publishLeave = holdNext();
    await whileUnknown(async () => {
      device = app.keep(Device.open(app.url, egor.token));
      await database.somebodyWaits();
      await remove(egor);
      publisher.subscriptionsChanged(chatTopic(group.id), [egor.id]);
    });
    await device!.next('sync:required');
    await say('for members only');
    await receivedAll(device!, egor);
    expect(received(device!)).toEqual([]);
    publishLeave();
  });
});
