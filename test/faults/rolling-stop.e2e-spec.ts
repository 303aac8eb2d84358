import { ProcessCluster } from '#testing';
import { expectNothingLost } from './oracle.js';
import { Talk } from './talk.js';

let cluster: ProcessCluster;
beforeAll(async () => {
  cluster = await ProcessCluster.start({}, { api: 2, worker: 2 });
});
afterAll(() => cluster.stop());

it('every process is replaced under load, one after the other: nobody loses anything', async () => {
  const talk = await Talk.start(cluster);
  for (const process of cluster.processes) {
    await talk.more(200);
    await cluster.add(process.name);
    await process.signal('SIGTERM');
    expect([process.name, process.ended]).toEqual([process.name, 0]);
  }
  await talk.more(200);
  await talk.end();
  await expectNothingLost(cluster, talk.phones, talk.causes);
  // Each phone was moved at least once, and was told to catch up each time.
  for (const { syncs } of talk.phones) expect(syncs).toBeGreaterThan(1);
}, 300_000);
