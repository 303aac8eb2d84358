import { ProcessCluster } from '#testing';
import { expectNothingLost } from './oracle.js';
import { Talk } from './talk.js';

const SENDS = 10_000;

let cluster: ProcessCluster;
beforeAll(async () => {
  cluster = await ProcessCluster.start();
});
afterAll(() => cluster.stop());

it('kill -9 of one of two realtime nodes in the middle of 10,000 sends', async () => {
  const talk = await Talk.start(cluster, { chats: 5 });
  await talk.until(SENDS / 2);
  await cluster.realtime[0]!.signal('SIGKILL');
  await talk.until(SENDS);
  await talk.end();
  await expectNothingLost(cluster, talk.phones);
  expect(talk.phones.filter(({ syncs }) => syncs > 1).length).toBeGreaterThan(0);
}, 300_000);
