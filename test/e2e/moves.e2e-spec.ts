import { AppError, type ChatDto } from '#contracts';
import { RealtimeEmitter, chatRoom, blockedRoom, followersRoom, userRoom } from '#platform';
import { Bystander, Device, PlainClient, TestApp, text, until, type Account } from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';

/** More events than the buffer of one device holds. */
const TOO_MUCH = 101;

let app: TestApp;
let emitter: RealtimeEmitter;
let database: Bystander;
let anna: Account;
let boris: Account;
let vera: Account;
let gleb: Account;
let annaDevice: Device;
let borisDevice: Device;
let glebs: Device;
let classic: PlainClient;
let group: ChatDto;
beforeAll(async () => {
  app = await TestApp.start();
  emitter = app.app.get(RealtimeEmitter);
  database = await Bystander.at(app.databaseUrl);
  [anna, boris, vera, gleb] = await app.people('Анна', 'Борис', 'Вера', 'Глеб');
  [annaDevice, borisDevice, glebs] = await app.devices(anna, boris, gleb);
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

/** Blocks all lookups of subscriptions until the work is done. */
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
const say = (...contents: string[]) =>
  Promise.all(contents.map((content) => annaDevice.send('chat:message:send', text(group, content))));
const received = (device: Device) =>
  device
    .all('chat:message:new')
    .filter(({ chat_id }) => chat_id === group.id)
    .map(({ content }) => content);
/** A device that receives a chat that was made later has no pending subscription of before. */
const known = async (device: Device, user: Account) => {
  const chat = await app.group(anna, user);
  await annaDevice.send('chat:message:send', text(chat, chat.id));
  await device.next('chat:message:new', ({ content }) => content === chat.id);
};
/** Waits for all events that are not buffered. An answer would wait for the pending subscriptions. */
const receivedAll = async (device: Device, { id }: Account) => {
  const last_seen = new Date().toISOString();
  emitter.toUser(id, 'user:online', { user_id: id, online: true, last_seen });
  await device.next('user:online', (event) => event.last_seen === last_seen);
};
const all = (device: Device, count: number) =>
  device.until(() => received(device).length >= count || undefined, `${count} messages`);

// Two nodes that change one membership may publish out of commit order, so the last event is not the truth.
describe('a membership change that is published late', () => {
  it('lets no device receive a chat, not even before the lookup', async () => {
    await whileUnknown(async () => {
      emitter.membershipChanged(chatRoom(group.id), gleb.id);
      await say('for members only');
      await receivedAll(glebs, gleb);
      expect(received(glebs)).toEqual([]);
    });
    await known(glebs, gleb);
    await say('for members only, too');
    await glebs.settled();
    expect(received(glebs)).toEqual([]);
  });

  it('makes no member miss an event, receive it twice or in another order', async () => {
    const before = received(borisDevice).length;
    const classics = classic.all('new-message').length;
    await whileUnknown(async () => {
      emitter.membershipChanged(chatRoom(group.id), boris.id);
      await say('one');
      await database.somebodyWaits();
      // The running lookup began before this, so its result does not count.
      emitter.membershipChanged(chatRoom(group.id), boris.id);
      await say('two');
      await say('three');
      await receivedAll(borisDevice, boris);
      expect(received(borisDevice)).toHaveLength(before);
    });
    await say('four');
    await all(borisDevice, before + 4);
    await borisDevice.settled();
    expect(received(borisDevice).slice(before)).toEqual(['one', 'two', 'three', 'four']);
    await classic.until(() => classic.all('new-message').length === classics + 4 || undefined, 'new-message');
  });

  it('is read again when another change arrives meanwhile, since the first result is stale', async () => {
    const before = received(borisDevice).length;
    await whileUnknown(async () => {
      emitter.membershipChanged(chatRoom(group.id), boris.id);
      await database.somebodyWaits();
      // His chats have been read by now, his follows have not.
      await sleep(100);
      const path = `chats/${group.id}/members`;
      expect((await app.request('DELETE', `${path}/${boris.id}`, anna.token)).status).toBe(204);
      await say('without him');
    });
    await known(borisDevice, boris);
    expect(received(borisDevice)).toHaveLength(before);
    await app.request('POST', `chats/${group.id}/members`, anna.token, { user_ids: [boris.id] });
    await known(borisDevice, boris);
  });

  it('makes the device sync when its buffer overflows', async () => {
    const [syncs, before] = [borisDevice.all('sync:required').length, received(borisDevice).length];
    await whileUnknown(async () => {
      emitter.membershipChanged(chatRoom(group.id), boris.id);
      await say(...Array.from({ length: TOO_MUCH }, (_, i) => `${i}`));
    });
    await borisDevice.until(
      () => borisDevice.all('sync:required').length > syncs || undefined,
      'sync:required',
    );
    await say('after it');
    await borisDevice.next('chat:message:new', ({ content }) => content === 'after it');
    expect(received(borisDevice)).toHaveLength(before + TOO_MUCH);
  });

  it('makes no device sync or reconnect for a chat of others', async () => {
    const theirs = PlainClient.open(`${app.url}/messenger-classic`, { auth: { token: gleb.token } });
    await theirs.next('connected');
    await whileUnknown(async () => {
      emitter.membershipChanged(chatRoom(group.id), gleb.id);
      await say(...Array.from({ length: TOO_MUCH }, (_, i) => `${i}`));
    });
    await known(glebs, gleb);
    await glebs.settled();
    expect(glebs.all('sync:required')).toHaveLength(1);
    expect(theirs.all('connected')).toHaveLength(1);
    theirs.close();
  });

  it('leaves no message undelivered for its sender', async () => {
    let last = '';
    await whileUnknown(async () => {
      emitter.membershipChanged(chatRoom(group.id), boris.id);
      last = (await say('ticks'))[0]!.message_id;
      // Longer than deliveries are gathered.
      await sleep(300);
    });
    await annaDevice.next('chat:message:delivered', ({ message_id }) => message_id === last);
    await borisDevice.next('chat:message:new', ({ id }) => id === last);
  });

  it('delivers the events that precede an answer before the answer', async () => {
    let sent: Promise<boolean>;
    await whileUnknown(async () => {
      emitter.membershipChanged(chatRoom(group.id), boris.id);
      sent = borisDevice
        .send('chat:message:send', text(group, 'his own'))
        .then(({ message_id }) => borisDevice.all('chat:message:new').some(({ id }) => id === message_id));
      await annaDevice.next('chat:message:new', ({ content }) => content === 'his own');
    });
    expect(await sent!).toBe(true);
  });

  it('keeps the order in a room, also between pending events and others', async () => {
    const chat = chatRoom(group.id);
    const about = (online: boolean) => ({
      user_id: vera.id,
      online,
      last_seen: new Date().toISOString(),
    });
    const order: string[] = [];
    borisDevice.socket.onAny((event: string, { user_id }: { user_id?: string }) => {
      if (user_id === vera.id) order.push(event);
    });
    await whileUnknown(async () => {
      emitter.membershipChanged(blockedRoom(vera.id), boris.id);
      await database.somebodyWaits();
      // The running lookup began before this, so its result does not count.
      emitter.membershipChanged(blockedRoom(vera.id), boris.id);
      emitter.toRooms([chat], 'user:online', about(true), [blockedRoom(vera.id)]);
      emitter.toRooms([chat], 'user:offline', about(false));
      await receivedAll(borisDevice, boris);
      expect(order).toEqual([]);
    });
    await known(borisDevice, boris);
    expect(order).toEqual(['user:online', 'user:offline']);
  });

  it('delivers an event for several rooms once, whichever of them are pending', async () => {
    const [chat, followers] = [chatRoom(group.id), followersRoom(anna.id)];
    await app.request('PUT', `users/${anna.id}/follow`, boris.token);
    await known(borisDevice, boris);
    const payload = { user_id: anna.id, online: true, last_seen: new Date().toISOString() };
    const onlines = () => borisDevice.all('user:online').filter(({ user_id }) => user_id === anna.id);
    for (const inDoubt of [[chat], [chat, followers]]) {
      const before = onlines().length;
      await whileUnknown(async () => {
        for (const room of inDoubt) emitter.membershipChanged(room, boris.id);
        emitter.toRooms([chat, followers], 'user:online', payload);
      });
      await known(borisDevice, boris);
      expect(onlines()).toHaveLength(before + 1);
    }
  });

  it('hides people across a block, and shows them once the block is known to be gone', async () => {
    const [dina, egor] = await app.people('Дина', 'Егор');
    const [device] = await app.devices(egor);
    const onlines = () => device.all('user:online').filter(({ user_id }) => user_id === dina.id).length;
    const comes = () => {
      const payload = { user_id: dina.id, online: true, last_seen: new Date().toISOString() };
      emitter.toRooms('everyone', 'user:online', payload, [blockedRoom(dina.id)]);
    };
    await known(device, egor);
    await whileUnknown(async () => {
      await app.rows('INSERT INTO blocks (blocker_id, blocked_id) VALUES ($1, $2)', [dina.id, egor.id]);
      emitter.membershipChanged(blockedRoom(dina.id), egor.id);
      comes();
      await receivedAll(device, egor);
    });
    await known(device, egor);
    await whileUnknown(async () => {
      emitter.membershipChanged(blockedRoom(dina.id), egor.id);
      comes();
      await receivedAll(device, egor);
    });
    await known(device, egor);
    comes();
    await device.settled();
    expect(onlines()).toBe(0);
    await whileUnknown(async () => {
      await app.request('DELETE', `users/${egor.id}/block`, dina.token);
      comes();
      await receivedAll(device, egor);
      expect(onlines()).toBe(0);
    });
    await known(device, egor);
    expect(onlines()).toBe(1);
  });

  it('does not starve a device whose memberships change all the time', async () => {
    const chat = chatRoom(group.id);
    const moving = setInterval(() => emitter.membershipChanged(blockedRoom(vera.id), boris.id), 1);
    try {
      for (let i = 0; i < 5; i++) {
        const last_seen = new Date(i).toISOString();
        const payload = { user_id: vera.id, online: true, last_seen };
        emitter.toRooms([chat], 'user:online', payload, [blockedRoom(vera.id)]);
        await say(`moved ${i}`);
        await borisDevice.next('user:online', (event) => event.last_seen === last_seen);
        await borisDevice.next('chat:message:new', ({ content }) => content === `moved ${i}`);
      }
    } finally {
      clearInterval(moving);
    }
  });

  it('makes the device sync also for events that only waited behind a pending one', async () => {
    const [dina, egor] = await app.people('Дина', 'Егор');
    const chat = await app.group(anna, egor);
    const [device] = await app.devices(egor);
    const payload = { user_id: dina.id, online: true, last_seen: new Date().toISOString() };
    await app.rows('INSERT INTO blocks (blocker_id, blocked_id) VALUES ($1, $2)', [dina.id, egor.id]);
    await whileUnknown(async () => {
      emitter.membershipChanged(blockedRoom(dina.id), egor.id);
      emitter.toRooms([chatRoom(chat.id)], 'user:online', payload, [blockedRoom(dina.id)]);
      const contents = Array.from({ length: TOO_MUCH }, (_, i) => `${i}`);
      await Promise.all(contents.map((content) => annaDevice.send('chat:message:send', text(chat, content))));
    });
    await device.until(() => device.all('sync:required').length > 1 || undefined, 'sync:required');
    expect(device.all('chat:message:new')).toHaveLength(TOO_MUCH - 2);
  });

  it('still notifies a device that its session ended', async () => {
    const egor = await app.register('Егор');
    const [device] = await app.devices(egor);
    const payload = { user_id: vera.id, online: true, last_seen: new Date().toISOString() };
    await whileUnknown(async () => {
      emitter.membershipChanged(blockedRoom(vera.id), egor.id);
      await database.somebodyWaits();
      emitter.toRooms([userRoom(egor.id)], 'user:online', payload, [blockedRoom(vera.id)]);
      emitter.signOut({ userId: egor.id }, new AppError('UNAUTHORIZED', 'Signed out').toBody());
      expect((await device.next('error')).code).toBe('UNAUTHORIZED');
      await device.disconnected();
    });
    expect(device.all('user:online').filter(({ user_id }) => user_id === vera.id)).toEqual([]);
  });
});

describe('a connecting device whose membership changes', () => {
  it('receives nothing before its welcome events', async () => {
    const order: string[] = [];
    const [slow, slower] = [await Bystander.at(app.databaseUrl), await Bystander.at(app.databaseUrl)];
    const lockSession = async (by: Bystander) => {
      await by.query('BEGIN');
      // Waiters for a table are served in order. At a row the second lookup may come before the second lock.
      await by.query('LOCK sessions IN EXCLUSIVE MODE');
    };
    try {
      await lockSession(slow);
      const device = app.keep(Device.open(app.url, vera.token));
      device.socket.onAny((event: string) => order.push(event));
      await slow.somebodyWaits();
      const lockedAgain = lockSession(slower);
      await until('it is next', async () => (await slow.waiters()) === 2);
      emitter.membershipChanged(chatRoom(group.id), vera.id);
      const letIn = new Promise<void>((resolve) => device.socket.once('connect', resolve));
      await slow.query('ROLLBACK');
      await Promise.all([lockedAgain, letIn]);
      // It is read once more.
      await slower.somebodyWaits();
      emitter.membershipChanged(chatRoom(group.id), vera.id);
      await say('it will sync');
      await slower.query('ROLLBACK');
      await device.next('sync:required');
      const { message_id } = await annaDevice.send('chat:message:send', text(group, 'live'));
      await device.next('chat:message:new', ({ id }) => id === message_id);
      expect(order.slice(0, 2)).toEqual(['connected', 'sync:required']);
    } finally {
      await Promise.all([slow.end(), slower.end()]);
    }
  });
});
