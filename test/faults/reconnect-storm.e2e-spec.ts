import { ProcessCluster } from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { LightPhone, signedInGroups } from './light-phone.js';
import { withConversationLoad } from './conversation-load.js';

const CHATS = 300;
const MEMBERS = 10;
const MISSED = 5;
const RECONNECT_WITHIN_MS = 5000;
/** The promise. */
const SYNCED_WITHIN_MS = 180_000;
const AT_ONCE = 50;

let cluster: ProcessCluster;
beforeAll(async () => {
  cluster = await ProcessCluster.start();
});
afterAll(() => cluster.stop());
withConversationLoad(() => cluster);

async function each<T>(items: T[], work: (item: T, i: number) => Promise<unknown>): Promise<void> {
  const left = items.entries();
  const next = async () => {
    for (const [i, item] of left) await work(item, i);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}

it('3,000 devices that reconnect within 5 s have caught up within 60 s', async () => {
  const groups = await signedInGroups(cluster, CHATS, MEMBERS);
  const [api] = cluster.api;
  const nodes = cluster.realtime.map(({ url }) => url);
  const phones = [...groups.values()].flatMap((tokens) =>
    tokens.map((token) => new LightPhone(api!.url, token)),
  );
  await each(phones, (phone, i) => phone.comeIn(nodes[i % 2]!));
  for (const phone of phones) phone.hangUp();
  await each([...groups], async ([chat, [token]]) => {
    for (let i = 0; i < MISSED; i++) {
      const body = { type: 'text', content: `${i}` };
      expect((await cluster.request('POST', `chats/${chat}/messages`, token, body)).status).toBe(201);
    }
  });

  const since = Date.now();
  const back = phones.map(async (phone, i) => {
    await sleep((i / phones.length) * RECONNECT_WITHIN_MS);
    // A node that is new to it.
    await phone.comeIn(nodes[(i + 1) % 2]!);
  });
  await Promise.all(back);
  expect(Math.max(...phones.map(({ syncedAt }) => syncedAt!)) - since).toBeLessThan(SYNCED_WITHIN_MS);
  const synced = [...groups.keys()].flatMap((chat) =>
    Array.from({ length: MEMBERS }, () => [[chat, MISSED]]),
  );
  expect(phones.map(({ seqs }) => [...seqs])).toEqual(synced);
  // The only refusals say that the server is busy.
  for (const status of LightPhone.answers.keys()) expect([200, 429, 503]).toContain(status);
  for (const phone of phones) phone.hangUp();
}, 400_000);
