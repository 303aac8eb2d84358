import { ProcessCluster } from '#testing';
import { expectNothingLost } from './oracle.js';
import { Talk } from './talk.js';

let cluster: ProcessCluster;
afterEach(() => cluster.stop());

const stop = async (process: ProcessCluster['processes'][number]) => {
  await process.signal('SIGTERM');
  expect([process.name, process.ended]).toEqual([process.name, 0]);
};
/** Each phone reconnected at least once, had to catch up each time, and has everything. */
const expectAllMoved = async (talk: Talk) => {
  await talk.end();
  await expectNothingLost(cluster, talk.phones, talk.causes);
  for (const { syncs } of talk.phones) expect(syncs).toBeGreaterThan(1);
};

it('every process is replaced under load, one after the other, and nobody loses anything', async () => {
  cluster = await ProcessCluster.start({}, { api: 2, worker: 2 });
  const talk = await Talk.start(cluster);
  const [first] = cluster.processes;
  for (const process of cluster.processes) {
    await talk.more(200);
    if (process === first) await talk.removeTheSilent();
    await cluster.add(process.name);
    await stop(process);
  }
  await talk.more(200);
  await expectAllMoved(talk);
}, 600_000);

it('a single process is replaced under load: it ends in time, and nobody loses anything', async () => {
  cluster = await ProcessCluster.alone();
  const talk = await Talk.start(cluster, { pause: 0 });
  await talk.more(200);
  await stop(cluster.processes[0]!);
  await cluster.add('standalone');
  await talk.more(200);
  await expectAllMoved(talk);
}, 300_000);
