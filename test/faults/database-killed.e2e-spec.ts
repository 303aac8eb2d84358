import { startEmbeddedPostgres, type EmbeddedPostgres } from '#platform';
import { ProcessCluster } from '#testing';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectNothingLost } from './oracle.js';
import { Talk } from './talk.js';

let folder: string;
let postgres: EmbeddedPostgres;
let cluster: ProcessCluster;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'database-killed-'));
  postgres = await startEmbeddedPostgres(folder);
  cluster = await ProcessCluster.start({ DATABASE_URL: postgres.url });
}, 60_000);
afterAll(async () => {
  await cluster.stop();
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
});

it('kill -9 of PostgreSQL, three times: whoever talks goes on when it is back', async () => {
  const talk = await Talk.start(cluster);
  for (let times = 0; times < 3; times++) {
    await talk.more(300);
    const [pid] = (await readFile(join(folder, 'postgres', 'postmaster.pid'), 'utf8')).split('\n');
    // Whoever started it starts it again.
    process.kill(Number(pid), 'SIGKILL');
    await talk.more(100);
  }
  await talk.end();
  await expectNothingLost(cluster, talk.phones);
}, 300_000);
