import { Device, ProcessCluster, type Account } from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { withConversationLoad } from './conversation-load.js';

/** Ten times a second, for four seconds. */
const TIMES = 40;
const EACH_MS = 100;
const GRACE_MS = 3000;

let cluster: ProcessCluster;
let watchers: Device[];
beforeAll(async () => {
  cluster = await ProcessCluster.start({ PRESENCE_GRACE_MS: String(GRACE_MS) });
  const people = await cluster.people('Анна', 'Вера');
  watchers = await Promise.all(people.map((account, i) => cluster.device(account, cluster.realtime[i]!.url)));
});
afterAll(() => cluster.stop());
withConversationLoad(() => cluster);

const received = (watcher: Device, { id }: Account) =>
  watcher.received.flatMap(({ event, payload }) =>
    event.startsWith('user:') && (payload as { user_id: string }).user_id === id ? [event] : [],
  );

it.each([
  ['as soon as it is admitted', async (device: Device) => void (await device.next('sync:required'))],
  [
    'in the middle of its handshake',
    async (device: Device, i: number) => {
      // However long a handshake takes, he is admitted once within the grace period.
      if (i % 10 === 0) await device.next('sync:required');
      else await sleep((i % 5) * 10);
    },
  ],
])(
  'a device that connects to either node and leaves %s, ten times a second, is announced as online once',
  async (_, then) => {
    const boris = await cluster.register('Борис');
    const seen: boolean[] = [];
    for (let i = 0; i < TIMES; i++) {
      const next = sleep(EACH_MS);
      const device = Device.open(cluster.realtime[i % 2]!.url, boris.token);
      await then(device, i);
      device.close();
      if (i === 0)
        await Promise.all(
          watchers.map((watcher) => watcher.next('user:online', ({ user_id }) => user_id === boris.id)),
        );
      const { items } = await watchers[i % 2]!.send('presence:get', { user_ids: [boris.id] });
      seen.push(items[0]!.online);
      await next;
    }
    expect(seen).toEqual(seen.map(() => true));
    for (const watcher of watchers) expect(received(watcher, boris)).toEqual(['user:online']);
    for (const watcher of watchers) await watcher.next('user:offline', ({ user_id }) => user_id === boris.id);
    // Anything that a node had to publish has been published once the next user appears.
    const gleb = await cluster.register('Глеб');
    await cluster.device(gleb);
    for (const watcher of watchers) {
      await watcher.next('user:online', ({ user_id }) => user_id === gleb.id);
      expect(received(watcher, boris)).toEqual(['user:online', 'user:offline']);
    }
  },
);
