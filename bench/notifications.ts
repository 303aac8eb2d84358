import { once } from 'node:events';
import { io, type Socket } from 'socket.io-client';
import { accessToken, groupsOf, store, type Account } from './accounts.js';
import { forkBench, stop } from './processes.js';
import { foreignLoad, machine, median, table, verdict, whole } from './report.js';
import { durabilityProblems, startPostgres, startSystem, type System } from './system.js';

/**
 * Measures an announcement to 10,000 people, from the admin's request to the last notification's row. Compares it with
 * BullMQ with one job per recipient on the same PostgreSQL. Also measures when the last connected recipient receives
 * it.
 */

const RECIPIENTS = 10_000;
const DEVICES = 300;
const ROUNDS = 5;
const TIMES_FASTER = 5;
const RECEIVED_WITHIN_MS = 2000;
/** The best value for BullMQ here, as good as 100; with 10 it is slower. */
const CONCURRENCY = Number(process.argv[2] ?? 50);

interface Device {
  socket: Socket;
  received: number[];
}

async function main(): Promise<boolean> {
  const load = [await foreignLoad()];
  const postgres = await startPostgres();
  const system = await startSystem(postgres);
  const problems = await durabilityProblems(system.db);
  const [{ accounts }] = groupsOf(1, RECIPIENTS + 1) as [{ id: string; accounts: Account[] }];
  await store(system.db, [{ id: accounts[0]!.id, accounts }]);
  const [admin, ...recipients] = accounts as [Account, ...Account[]];
  await system.db.query(`UPDATE users SET role = 'admin' WHERE id = $1`, [admin.id]);
  const raw = forkBench('raw-queue.js', [postgres.url, String(CONCURRENCY)]);
  await once(raw, 'message');
  const every = Math.floor(RECIPIENTS / DEVICES);
  const devices = await Promise.all(
    recipients.filter((_, i) => i % every === 0).map((account) => connect(system, account)),
  );

  const rounds: Record<'ours' | 'raw' | 'received', number[]> = { ours: [], raw: [], received: [] };
  for (let i = -1; i < ROUNDS; i++) {
    const ours = async () => {
      const round = await announce(system, admin, devices, problems);
      console.error(
        `round ${i + 1}: ${whole(RECIPIENTS / round.seconds)} rows/s, received in ${whole(round.receivedMs)} ms`,
      );
      return round;
    };
    const theirs = async () => {
      await empty(system);
      raw.send({ userIds: recipients.map(({ id }) => id), actorId: admin.id });
      const [{ seconds }] = (await once(raw, 'message')) as [{ seconds: number }];
      problems.push(...(await audit(system, 'raw')));
      console.error(`round ${i + 1}: raw BullMQ ${whole(RECIPIENTS / seconds)} rows/s`);
      return seconds;
    };
    // The second target suffers from the first one's leftovers, so the order alternates.
    const [first, second] = i % 2 ? [theirs, ours] : [ours, theirs];
    const results = [await first(), await second()];
    if (i < 0) continue; // warms caches and compiled code
    for (const result of results)
      if (typeof result === 'number') rounds.raw.push(RECIPIENTS / result);
      else {
        rounds.ours.push(RECIPIENTS / result.seconds);
        rounds.received.push(result.receivedMs);
      }
  }
  const version = await system.db.query<{ server_version: string }>('SHOW server_version');
  for (const { socket } of devices) socket.close();
  await stop(raw);
  await system.stop();
  await postgres.stop();
  load.push(await foreignLoad());
  report(rounds, machine(load, version.rows[0]!.server_version), problems);
  return problems.length === 0;
}

function report(
  rounds: Record<'ours' | 'raw' | 'received', number[]>,
  where: string,
  problems: string[],
): void {
  const ratios = rounds.ours.map((rate, i) => rate / rounds.raw[i]!);
  const rows = [
    ['system', whole(median(rounds.ours)), median(ratios).toFixed(1), whole(median(rounds.received))],
    ['one job a recipient', whole(median(rounds.raw)), '1', '-'],
  ];
  console.log(table(['announcement to 10,000', 'rows/s', 'ratio', 'last received ms'], rows));
  console.log(`\n${where}`);
  console.log(
    `Medians of ${ROUNDS} rounds, in turns; ${DEVICES} devices connected; BullMQ at ${CONCURRENCY} jobs at once.\n`,
  );
  const [low, high] = [Math.min(...ratios), Math.max(...ratios)].map((ratio) => ratio.toFixed(1));
  console.log(
    `- rows: ${median(ratios).toFixed(1)} times raw BullMQ's (single rounds ${low} to ${high}), ` +
      `at least ${TIMES_FASTER} wanted: ${verdict(median(ratios) >= TIMES_FASTER)}`,
  );
  console.log(
    `- the last connected recipient received it within ${whole(Math.max(...rounds.received))} ms in the slowest round, ` +
      `${whole(RECEIVED_WITHIN_MS)} allowed: ${verdict(Math.max(...rounds.received) <= RECEIVED_WITHIN_MS)}`,
  );
  console.log(`\nself-check: ${problems.length ? `FAILED\n${problems.slice(0, 20).join('\n')}` : 'ok'}`);
}

/** Starts the clock before the request, so that storing the job counts too. */
async function announce(system: System, admin: Account, devices: Device[], problems: string[]) {
  await empty(system);
  for (const device of devices) device.received = [];
  const start = performance.now();
  const response = await fetch(`${system.url}/api/v2/admin/announcements`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${accessToken(admin, system.secret)}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ content: 'We are closed on Thursday.' }),
  });
  if (response.status !== 201) throw new Error(`the announcement was refused: ${await response.text()}`);
  while ((await stored(system)).rows < RECIPIENTS) await new Promise((resolve) => setTimeout(resolve, 10));
  const seconds = (performance.now() - start) / 1000;
  const deadline = Date.now() + 10_000;
  while (devices.some(({ received }) => received.length === 0) && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 10));
  // A duplicate would arrive right after.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const wrong = devices.filter(({ received }) => received.length !== 1).length;
  if (wrong > 0) problems.push(`${wrong} devices did not receive exactly one event`);
  problems.push(...(await audit(system, 'system')));
  return {
    seconds,
    receivedMs: Math.max(...devices.map(({ received }) => received[0] ?? Infinity)) - start,
  };
}

const stored = async (system: System) =>
  (
    await system.db.query<{ rows: number; users: number }>(
      'SELECT count(*)::int AS rows, count(DISTINCT user_id)::int AS users FROM notifications',
    )
  ).rows[0]!;

async function audit(system: System, name: string): Promise<string[]> {
  const { rows, users } = await stored(system);
  if (rows === RECIPIENTS && users === RECIPIENTS) return [];
  return [`${name}: ${rows} rows for ${users} of ${RECIPIENTS} users`];
}

/** Every round starts with the same tables. */
async function empty({ db }: System): Promise<void> {
  await db.query('TRUNCATE notifications, notification_causes');
  await db.query('CHECKPOINT');
}

function connect(system: System, account: Account): Promise<Device> {
  const socket = io(system.url, {
    transports: ['websocket'],
    auth: { token: accessToken(account, system.secret) },
    forceNew: true,
  });
  const device: Device = { socket, received: [] };
  socket.on('notification:new', () => device.received.push(performance.now()));
  return new Promise((resolve, reject) => {
    socket.once('sync:required', () => resolve(device));
    socket.once('connect_error', reject);
  });
}

process.exit((await main()) ? 0 : 1);
