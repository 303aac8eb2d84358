import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Collected } from './collect-garbage.js';
import type { ConnectOrder, Opened } from './connector.js';
import { accessToken, groupsOf, relayAuth, store } from './accounts.js';
import { asking, forkBench, startRelay, stop, type Running } from './processes.js';
import { foreignLoad, machine, median, percentile, table, verdict, whole } from './report.js';
import { createDatabase, durabilityProblems, startPostgres, startSystem } from './system.js';

/**
 * Measures how fast 10,000 devices sign in at once, and their memory, beside a bare Socket.IO server that accepts
 * everybody. Each round has two new processes of each server, warmed up by a thousand connections. One runs as usual
 * and measures the rate. The other has a young generation of 2 MB and measures the memory: the usual one grows up to
 * 192 MB, independent of the connections.
 */

const DEVICES = Number(process.argv[2] ?? 10_000);
const WARM_UP = 1000;
const ROUNDS = 5;
/**
 * Pause after the last connection, before memory is measured, ms: for heartbeats, presence and the last collections.
 */
const SETTLE_MS = 5000;
const MEMORY_AT_MOST = 1.5;
const RATE_AT_LEAST = 0.6;

/** The file where a server records its memory. */
const NOTE = join(tmpdir(), `storm-${process.pid}.json`);
const COLLECTING = {
  NODE_OPTIONS: `--import=${new URL('collect-garbage.js', import.meta.url).href}`,
  COLLECTED: NOTE,
};

const SMALL_NURSERY = ['--max-semi-space-size=2', '--compact-on-every-full-gc'];

type Name = 'system' | 'bare server';

interface Round {
  rate: number;
  p50: number;
  p99: number;
  /** Resident memory per connection, KiB. */
  memory: number;
  /** CPU time per connection, microseconds. */
  cpu: number;
  driverLoad: number;
}

async function main(): Promise<boolean> {
  const limit = Number(execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }));
  if (limit < DEVICES + 500) throw new Error(`ulimit -n is ${limit}: ${DEVICES + 500} files are needed`);
  const load = [await foreignLoad()];
  const postgres = await startPostgres();
  const groups = groupsOf(DEVICES / 2, 2);
  const connector = forkBench('connector.js');
  const ask = asking<ConnectOrder, Opened>(connector);
  const problems: string[] = [];
  let version = '';

  const measure = async (name: Name, server: Running, auths: object[]): Promise<Round> => {
    await ask({ do: 'open', url: server.url, auths: auths.slice(0, WARM_UP) });
    await ask({ do: 'close' });
    await sleep(SETTLE_MS);
    const before = await spent(server);
    const opened = await ask<Opened>({ do: 'open', url: server.url, auths });
    await sleep(SETTLE_MS);
    const after = await spent(server);
    if (opened.lost > 0) problems.push(`${name}: ${opened.lost} connections were lost`);
    await ask({ do: 'close' });
    const each = (kind: 'memory' | 'cpu') => (after[kind] - before[kind]) / auths.length;
    return {
      rate: auths.length / opened.seconds,
      p50: percentile([...opened.waits], 0.5),
      p99: percentile([...opened.waits], 0.99),
      memory: each('memory'),
      cpu: each('cpu'),
      driverLoad: opened.driverLoad,
    };
  };

  const runs: Record<Name, (round: string, flags?: string[]) => Promise<Round>> = {
    system: async (round, flags) => {
      const databaseUrl = await createDatabase(postgres, `storm_${round}`);
      const system = await startSystem(postgres, databaseUrl, COLLECTING, flags);
      await store(system.db, groups);
      problems.push(...(await durabilityProblems(system.db)));
      const { rows } = await system.db.query<{ server_version: string }>('SHOW server_version');
      version = rows[0]!.server_version;
      const auths = groups.flatMap(({ accounts }) =>
        accounts.map((account) => ({ token: accessToken(account, system.secret) })),
      );
      const result = await measure('system', system, auths);
      const signedIn = await system.db.query('SELECT FROM sessions WHERE connected_token_id IS NOT NULL');
      if (signedIn.rowCount !== DEVICES) problems.push(`${signedIn.rowCount} of ${DEVICES} have signed in`);
      await system.stop();
      return result;
    },
    'bare server': async (_round, flags) => {
      const relay = await startRelay(COLLECTING, flags);
      const auths = groups.flatMap((group) => group.accounts.map((account) => relayAuth(account, group)));
      const result = await measure('bare server', relay, auths);
      await relay.stop();
      return result;
    },
  };
  const rounds: Record<Name, Round[]> = { system: [], 'bare server': [] };
  for (let i = 0; i < ROUNDS; i++)
    for (const name of i % 2 ? (['bare server', 'system'] as const) : (['system', 'bare server'] as const)) {
      const round = await runs[name](`${i}`);
      const { memory } = await runs[name](`${i}_small`, SMALL_NURSERY);
      rounds[name].push({ ...round, memory });
      console.error(
        `round ${i + 1}: ${name} ${whole(round.rate)} connections/s, ${memory.toFixed(1)} KiB each`,
      );
    }
  await stop(connector);
  await postgres.stop();
  load.push(await foreignLoad());
  report(rounds, machine(load, version), problems);
  return problems.length === 0;
}

/** Resident memory after a garbage collection, KiB, and CPU time so far, µs. */
async function spent({ pid }: Running): Promise<{ memory: number; cpu: number }> {
  rmSync(NOTE, { force: true });
  process.kill(pid, 'SIGUSR2');
  while (!existsSync(NOTE)) await sleep(50);
  const { resident, cpu } = JSON.parse(readFileSync(NOTE, 'utf8')) as Collected;
  return { memory: resident / 1024, cpu };
}

function report(rounds: Record<Name, Round[]>, where: string, problems: string[]): void {
  const row = (name: Name) => {
    const middle = (key: keyof Round) => median(rounds[name].map((round) => round[key]));
    return [
      name,
      whole(middle('rate')),
      whole(middle('p50')),
      whole(middle('p99')),
      whole(middle('cpu')),
      middle('memory').toFixed(1),
      middle('driverLoad').toFixed(2),
    ];
  };
  const ratios = (key: 'rate' | 'memory') =>
    rounds.system.map((round, i) => round[key] / rounds['bare server'][i]![key]);
  const received = (values: number[]) =>
    `${median(values).toFixed(2)} (single rounds ${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)})`;
  const [rate, memory] = [ratios('rate'), ratios('memory')];
  const header = ['connections/s', 'p50 ms', 'p99 ms', 'CPU µs', 'KiB', 'driver load'];
  console.log(table([`${whole(DEVICES)} devices`, ...header], [row('system'), row('bare server')]));
  console.log(`\n${where}`);
  console.log(
    `Medians of ${ROUNDS} rounds, in turns, each in fresh processes; the ratios', too. CPU time and resident memory of ` +
      'the server, a connection. Driver load: 1 is one full core.\n',
  );
  console.log(
    `- rate: ${received(rate)} of the bare server's, at least ${RATE_AT_LEAST} wanted: ${verdict(median(rate) >= RATE_AT_LEAST)}`,
  );
  console.log(
    `- memory: ${received(memory)} times the bare server's, at most ${MEMORY_AT_MOST} wanted: ${verdict(median(memory) <= MEMORY_AT_MOST)}`,
  );
  console.log(`- self-check: ${problems.length ? `FAILED\n${problems.slice(0, 20).join('\n')}` : 'ok'}`);
}

process.exit((await main()) ? 0 : 1);
