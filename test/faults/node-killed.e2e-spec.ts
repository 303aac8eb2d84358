import { ProcessCluster } from '#testing';
import { expectNothingLost } from './oracle.js';
import { Phone } from './phone.js';

const SENDS = 10_000;
const CHATS = 4;
const MEMBERS = 5;

let cluster: ProcessCluster;
beforeAll(async () => {
  cluster = await ProcessCluster.start();
});
afterAll(() => cluster.stop());

it('kill -9 of one of two realtime nodes in the middle of 10,000 sends', async () => {
  const groups = await Promise.all(
    Array.from({ length: CHATS }, async () => {
      const people = await cluster.people(...Array.from({ length: MEMBERS }, (_, i) => `Somebody ${i}`));
      const chat = await cluster.group(people[0]!, ...people.slice(1));
      return { chat, phones: await Promise.all(people.map((account) => Phone.open(cluster, account))) };
    }),
  );
  const phones = groups.flatMap(({ phones }) => phones);
  let sent = 0;
  let killed: Promise<void> | undefined;
  const sending = groups.flatMap(({ chat, phones }) =>
    phones.map(async (phone) => {
      while (sent < SENDS) {
        const { messageId } = await phone.send(chat.id, `${sent++}`);
        if (sent % 50 === 0) await phone.edit(messageId, 'edited');
        if (sent >= SENDS / 2) killed ??= cluster.realtime[0]!.signal('SIGKILL');
      }
    }),
  );
  await Promise.all(sending);
  await killed;
  await expectNothingLost(cluster, phones);
  const reconnected = phones.filter(({ syncs }) => syncs > 1);
  expect(reconnected.length).toBeGreaterThan(0);
}, 180_000);
