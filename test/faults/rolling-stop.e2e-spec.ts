import { ProcessCluster } from '#testing';
import { expectNothingLost } from './oracle.js';
import { ConversationLoad } from './conversation-load.js';

let cluster: ProcessCluster;
afterEach(() => cluster.stop());

const stop = async (process: ProcessCluster['processes'][number]) => {
  await process.signal('SIGTERM');
  expect([process.name, process.ended]).toEqual([process.name, 0]);
};
/** Each phone reconnected at least once, had to catch up each time, and has everything. */
const expectAllMoved = async (load: ConversationLoad) => {
  await load.end();
  await expectNothingLost(cluster, load.phones, load.causes);
  for (const { syncs } of load.phones) expect(syncs).toBeGreaterThan(1);
};

it('every process is replaced under load, one after the other, and nobody loses anything', async () => {
  cluster = await ProcessCluster.start({}, { api: 2, worker: 2 });
  const load = await ConversationLoad.start(cluster);
  const [first] = cluster.processes;
  for (const process of cluster.processes) {
    await load.more(200);
    if (process === first) await load.removeTheSilent();
    await cluster.add(process.name);
    await stop(process);
  }
  await load.more(200);
  await expectAllMoved(load);
}, 600_000);

it('a single process is replaced under load: it ends in time, and nobody loses anything', async () => {
  cluster = await ProcessCluster.alone();
  const load = await ConversationLoad.start(cluster, { pause: 0 });
  await load.more(200);
  await stop(cluster.processes[0]!);
  await cluster.add('standalone');
  await load.more(200);
  await expectAllMoved(load);
}, 300_000);
