import { LongChat, PAGE } from './long-chat.js';
import { foreignLoad, machine, percentile, table, verdict, whole } from './report.js';
import { createDatabase, durabilityProblems, startPostgres, startSystem } from './system.js';

/**
 * Measures whether a chat slows down as it grows: the same send and page of history in a chat of 10 thousand and in one
 * of 2 million messages. Each size has its own database and process on one PostgreSQL. The requests alternate, so
 * disturbances affect both.
 */

const SMALL = 10_000;
const LARGE = Number(process.argv[2] ?? 2_000_000);
const WITHIN = 1.3;
const BLOCKS = 24;
const PER_BLOCK = 25;

async function main(): Promise<boolean> {
  const load = [await foreignLoad()];
  const postgres = await startPostgres();
  const chats: LongChat[] = [];
  for (const count of [SMALL, LARGE]) {
    const databaseUrl = await createDatabase(postgres, `messages_${count}`);
    chats.push(await LongChat.open(await startSystem(postgres, databaseUrl), count));
  }
  const [small, large] = chats as [LongChat, LongChat];
  await small.system.db.query('CHECKPOINT'); // one for all: the fill is not to be paid for by the first sends

  for (const chat of chats) await chat.block(100); // warms caches and compiled code
  small.forget();
  large.forget();
  for (let i = 0; i < BLOCKS; i++) {
    for (const chat of i % 2 ? [large, small] : [small, large]) await chat.block(PER_BLOCK);
  }

  const { db } = small.system;
  const version = await db.query<{ server_version: string }>('SHOW server_version');
  const plans: string[] = [];
  const problems = await durabilityProblems(db);
  for (const chat of chats) {
    plans.push(`Plan of a page at ${whole(chat.count)}: ${await chat.plan()}`);
    plans.push(
      `Bytes on disk a message at ${whole(chat.count)}, with its indexes: ${whole(await chat.bytesEach())}`,
    );
    problems.push(...(await chat.problems()));
    await chat.close();
  }
  await postgres.stop();
  load.push(await foreignLoad());

  const rows = [
    compare('send to ack', small.sends, large.sends),
    compare('page of history', small.pages, large.pages),
  ];
  console.log(table(['median ms (p95)', whole(SMALL), whole(LARGE), 'ratio', `within ${WITHIN}`], rows));
  console.log(`\n${machine(load, version.rows[0]!.server_version)}`);
  console.log(
    `${BLOCKS * PER_BLOCK} sends and as many pages of ${PAGE} from anywhere in the history, each size in turn.`,
  );
  console.log(plans.join('\n'));
  console.log(`\nself-check: ${problems.length ? `FAILED\n${problems.join('\n')}` : 'ok'}`);
  return problems.length === 0;
}

function compare(what: string, small: number[], large: number[]): string[] {
  const cell = (values: number[]) =>
    `${percentile(values, 0.5).toFixed(2)} (${percentile(values, 0.95).toFixed(2)})`;
  const ratio = percentile(large, 0.5) / percentile(small, 0.5);
  // Both directions: a slower small chat indicates a plan that reads whole tables.
  const met = Math.max(ratio, 1 / ratio) <= WITHIN;
  return [what, cell(small), cell(large), ratio.toFixed(2), verdict(met)];
}

process.exit((await main()) ? 0 : 1);
