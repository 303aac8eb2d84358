import { createPostgresBackend, withBackend, type Queue, type QueueOptions, type Worker } from 'bullmq';
import { randomUUID } from 'node:crypto';
import pg from 'pg';

/**
 * The baseline: BullMQ in the simplest way, one job per recipient, each inserting one notification. It reads no
 * preferences and publishes no events. The parent process sends the recipients, and it answers when the last row is
 * written.
 */

const [url, concurrency] = [process.argv[2]!, Number(process.argv[3])];
const SCHEMA = 'raw_bullmq';
const connection = { connectionString: url, schema: SCHEMA, migrate: true, max: 10 };
const { Queue: PostgresQueue, Worker: PostgresWorker } = withBackend(createPostgresBackend) as unknown as {
  Queue: typeof Queue;
  Worker: typeof Worker;
};
const pool = new pg.Pool({ connectionString: url, max: 10 });
const options = { connection } as unknown as QueueOptions;
const queue = new PostgresQueue('raw', options);
await queue.waitUntilReady();

let left = 0;
let done = () => {};
const worker = new PostgresWorker(
  'raw',
  async ({ data }: { data: { userId: string; actorId: string } }) => {
    await pool.query(
      `INSERT INTO notifications (id, user_id, type, actor_id, data) VALUES ($1, $2, 'mention', $3, $4)`,
      [randomUUID(), data.userId, data.actorId, JSON.stringify({ user_id: data.actorId })],
    );
    if (--left === 0) done();
  },
  { ...options, concurrency, removeOnComplete: { count: 0 } },
);
await worker.waitUntilReady();

process.on('message', (order: { userIds: string[]; actorId: string }) => void run(order));
process.send?.('ready');

async function run({ userIds, actorId }: { userIds: string[]; actorId: string }): Promise<void> {
  const start = performance.now();
  left = userIds.length;
  const finished = new Promise<void>((resolve) => (done = resolve));
  for (let from = 0; from < userIds.length; from += 1000) {
    const jobs = userIds
      .slice(from, from + 1000)
      .map((userId) => ({ name: 'notify', data: { userId, actorId } }));
    await queue.addBulk(jobs);
  }
  await finished;
  process.send?.({ seconds: (performance.now() - start) / 1000 });
}
