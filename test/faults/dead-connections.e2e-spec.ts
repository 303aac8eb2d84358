import { Metrics } from '#platform';
import { Device, Link, TestApp, until, type Account } from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Server } from 'socket.io';

/** The heartbeat of these tests, ms: the interval of pings and the wait for their answer. */
const HEARTBEAT = { pingInterval: 200, pingTimeout: 2000 };
const NOTICED_WITHIN = HEARTBEAT.pingInterval + HEARTBEAT.pingTimeout;

let app: TestApp;
let anna: Account;
let boris: Account;
let link: Link;
let server: Server;
beforeAll(async () => {
  app = await TestApp.start();
  [anna, boris] = await app.people('Анна', 'Борис');
  link = await Link.to(app.url);
  server = app.socketServer;
});
afterEach(() => link.mend());
afterAll(async () => {
  await app.stop();
  link.close();
});

const connections = async () => (await app.app.get(Metrics).connections.get()).values[0]!.value;
const connectionsBecome = (count: number) =>
  until(`${count} connections`, async () => (await connections()) === count);
const overLink = async (account: Account) => app.keep(await Device.connect(link.url, account.token));
const offline = (device: Device, { id }: Account) =>
  device.all('user:offline').filter(({ user_id }) => user_id === id);

it('a client gets a heartbeat interval of 25 s and a timeout of 60 s', async () => {
  const response = await fetch(`${app.url}/socket.io/?EIO=4&transport=polling`);
  const open = JSON.parse((await response.text()).slice(1)) as object;
  expect(open).toMatchObject({ pingInterval: 25_000, pingTimeout: 60_000 });
});

describe('with a shorter heartbeat', () => {
  beforeAll(() => void Object.assign(server.engine.opts, HEARTBEAT));
  // Connections of the test before.
  beforeEach(() => connectionsBecome(0));

  it('a connection that died silently is detected, and its user goes offline', async () => {
    const annaDevice = await app.device(anna);
    const secondDevice = await overLink(boris);
    await annaDevice.next('user:online', ({ user_id }) => user_id === boris.id);
    expect(await connections()).toBe(2);
    link.stick();
    await connectionsBecome(1);
    expect(server.of('/').sockets.size).toBe(1);
    await annaDevice.next('user:offline', ({ user_id }) => user_id === boris.id);
    await annaDevice.settled();
    annaDevice.close();
    secondDevice.close();
  });

  it('an idle client that answers heartbeats stays connected, by either transport', async () => {
    const idle = await Promise.all(
      ['websocket', 'polling'].map(async (transport) => {
        const device = app.keep(await Device.connect(app.url, anna.token, { transports: [transport] }));
        const lost: string[] = [];
        device.socket.on('disconnect', (reason) => lost.push(reason));
        return { transport, device, lost, id: device.socket.id! };
      }),
    );
    await sleep(2 * NOTICED_WITHIN);
    for (const { transport, device, lost, id } of idle) {
      expect([transport, lost]).toEqual([transport, []]);
      expect(server.of('/').sockets.has(id)).toBe(true);
      await device.settled();
      device.close();
    }
  });

  it('one dead device of several: the user stays online, and the other devices receive events', async () => {
    const [annaDevice, phone] = await app.devices(anna, boris);
    const tablet = await overLink(boris);
    expect(await connections()).toBe(3);
    link.stick();
    await connectionsBecome(2);
    // A user who leaves later goes offline later.
    const gleb = await app.register('Глеб');
    const third = await app.device(gleb);
    await annaDevice.next('user:online', ({ user_id }) => user_id === gleb.id);
    third.close();
    await annaDevice.next('user:offline', ({ user_id }) => user_id === gleb.id);
    expect(offline(annaDevice, boris)).toEqual([]);
    const { items } = await annaDevice.send('presence:get', { user_ids: [boris.id] });
    expect(items).toMatchObject([{ user_id: boris.id, online: true }]);
    await phone.settled();
    for (const device of [annaDevice, phone, tablet]) device.close();
  });
});
