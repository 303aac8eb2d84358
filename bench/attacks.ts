import { existsSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client as Database } from 'pg';
import type { Attack, Scene } from './attacks/attack.js';
import type { Attacked, AttackOrder } from './attacks/attacker.js';
import type { Honest, HonestOrder } from './attacks/honest.js';
import { attacks } from './attacks/index.js';
import { attackers, fill, honestUsers } from './attacks/seed.js';
import { startNodes, startRedis } from './nodes.js';
import { asking, forkBench, stop, type Running } from './processes.js';
import { foreignLoad, machine, percentile, table, whole } from './report.js';
import { createDatabase, DEFAULT_LIMITS, startPostgres, startSystem, type Cluster } from './system.js';

/**
 * Measures how attacks slow honest users down. Honest users act at a human pace, first alone and then beside each
 * attack. The system runs in both of its sizes with its default limits and a small heap. Linux only: each client has
 * its own source address, since limits are per address.
 */

const QUIET_SECONDS = 4;
const ATTACK_SECONDS = 9;
/** Pause after an attack before memory is read again, ms. */
const SETTLE_MS = 2000;
const HEAP = ['--max-semi-space-size=64', '--max-old-space-size=384'];
const REALTIME_NODES = 2;

const P99_RATIO = 3;
/** A p99 without attack below this is noise of the machine, ms. */
const FLOOR_MS = 50;
/** Allowed growth of a process's resident memory, MB. The young generation alone may take 192. */
const GROWTH_MB = 300;

/** The system in one size. */
interface Size {
  name: string;
  api: string;
  realtime: string[];
  processes: Running[];
  db: Database;
  secret: string;
  stop(): Promise<void>;
}

async function main(): Promise<boolean> {
  const names = process.argv.slice(2);
  const chosen = attacks.filter(({ name }) => names.length === 0 || names.includes(name));
  if (chosen.length === 0) throw new Error(`attacks: ${attacks.map((attack) => attack.name).join(', ')}`);
  const load = [await foreignLoad()];
  const postgres = await startPostgres();
  const model = forkBench('attacks/hostile-model.js');
  const [port] = (await once(model, 'message')) as [number];
  const settings = {
    ...DEFAULT_LIMITS,
    PRESENCE_AUDIENCE: undefined,
    OPENAI_API_KEY: 'bench',
    OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`,
  };
  const reports: string[] = [];
  let isMet = true;
  let version = '';
  for (const start of [oneProcess, cluster]) {
    const size = await start(postgres, settings);
    version = (await size.db.query<{ server_version: string }>('SHOW server_version')).rows[0]!
      .server_version;
    const results = await attackAll(size, chosen);
    isMet &&= results.length === chosen.length && results.every(({ missed }) => missed.length === 0);
    reports.push(`${size.name}\n\n${report(results)}`);
    await size.stop();
  }
  await stop(model);
  await postgres.stop();
  load.push(await foreignLoad());
  console.log(reports.join('\n\n'));
  console.log(`\n${machine(load, version)}; a heap of 384 MB a process`);
  console.log(
    `Each attack lasts ${ATTACK_SECONDS} s, after ${QUIET_SECONDS} s of quiet. Honest: 10 users who act twice a second. ` +
      'Memory: resident, of the process that grew most.\n',
  );
  console.log(
    `Wanted: every process ready, no honest error, memory at most ${GROWTH_MB} MB more, and an honest p99 of at most ` +
      `${P99_RATIO} × that in quiet, of which ${FLOOR_MS} ms count as noise: ${isMet ? 'met' : 'MISSED'}`,
  );
  return isMet;
}

async function oneProcess(postgres: Cluster, settings: NodeJS.ProcessEnv): Promise<Size> {
  const databaseUrl = await createDatabase(postgres, 'one_process');
  const system = await startSystem(postgres, databaseUrl, settings, HEAP);
  return { ...system, name: 'One process', api: system.url, realtime: [system.url], processes: [system] };
}

async function cluster(postgres: Cluster, settings: NodeJS.ProcessEnv): Promise<Size> {
  const redis = await startRedis(postgres);
  if (!redis) throw new Error('there is no redis-server here');
  const nodes = await startNodes(postgres, redis, REALTIME_NODES, settings, HEAP);
  const end = async () => {
    await nodes.stop();
    await redis.stop();
  };
  const name = `A cluster: api, ${REALTIME_NODES} × realtime, worker`;
  return { ...nodes, name, api: nodes.api.url, realtime: nodes.urls, stop: end };
}

interface Result {
  attack: Attack;
  attacked: Attacked;
  /** MB, of the process that grew most. */
  memory: { before: number; peak: number; after: number };
  p99: { quiet: number; attacked: number };
  missed: string[];
}

async function attackAll(size: Size, chosen: Attack[]): Promise<Result[]> {
  await fill(size.db);
  const users = await honestUsers(size.db, size.secret, size.realtime);
  const honest = forkBench('attacks/honest.js');
  const ask = asking<HonestOrder, object>(honest);
  await ask({ do: 'open', api: size.api, ...users });
  const emails = users.credentials.map(({ email }) => email);
  const act = (seconds: number, signIn: boolean) => ask<Honest>({ do: 'act', seconds, signIn });
  // Warms up compiled code and database connections.
  await act(QUIET_SECONDS, true);
  const results: Result[] = [];
  for (const attack of chosen) {
    const result = await run(size, attack, act, emails);
    results.push(result);
    console.error(`${size.name}: ${row(result).join(' | ')}`);
    // The system is down, so further attacks measure nothing.
    if (result.missed.includes('not ready')) break;
  }
  await stop(honest);
  return results;
}

async function run(
  size: Size,
  attack: Attack,
  act: (seconds: number, signIn: boolean) => Promise<Honest>,
  emails: string[],
): Promise<Result> {
  const accounts = await attackers(size.db, size.secret);
  const scene = { api: size.api, realtime: size.realtime[0]!, ...accounts };
  const data = await attack.prepare?.(size.db, scene, { emails });
  const signIn = attack.onSignIn ?? false;
  const quiet = await act(QUIET_SECONDS, signIn);
  const memory = watch(size.processes);
  const attacker = forkBench('attacks/attacker.js');
  const attacking = asking<AttackOrder, Attacked>(attacker)<Attacked>({
    name: attack.name,
    scene: { ...scene, data } satisfies Scene,
    seconds: ATTACK_SECONDS,
  });
  const beside = await act(ATTACK_SECONDS, signIn);
  const attacked = await attacking;
  await stop(attacker);
  await sleep(SETTLE_MS);
  const grown = memory();
  const p99 = {
    quiet: percentile([...quiet.waits], 0.99),
    attacked: percentile([...beside.waits], 0.99),
  };
  const ready = await Promise.all(size.processes.map(({ url }) => isReady(url)));
  const missed = [
    ...(ready.every(Boolean) ? [] : ['not ready']),
    ...(ratio(p99) <= P99_RATIO ? [] : ['slower']),
    ...(grown.peak - grown.before <= GROWTH_MB ? [] : ['memory']),
    ...(beside.errors.length === 0
      ? []
      : [`${beside.errors.length} errors (${beside.errors[0]!.slice(0, 100)})`]),
  ];
  return { attack, attacked, memory: grown, p99, missed };
}

const ratio = (p99: Result['p99']) => p99.attacked / Math.max(p99.quiet, FLOOR_MS);

const isReady = (url: string) =>
  fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(5000) }).then(
    ({ ok }) => ok,
    () => false,
  );

/** @returns a function that stops watching and returns the figures of the process that grew most */
function watch(processes: Running[]): () => Result['memory'] {
  const seen = processes.map(({ pid }) => {
    const before = resident(pid);
    return { pid, before, peak: before, after: before };
  });
  const look = () => {
    for (const one of seen) {
      one.after = resident(one.pid);
      one.peak = Math.max(one.peak, one.after);
    }
  };
  const timer = setInterval(look, 50);
  return () => {
    clearInterval(timer);
    look();
    return seen.reduce((most, one) => (one.peak - one.before > most.peak - most.before ? one : most));
  };
}

/** MB; 0 when the process does not exist. */
function resident(pid: number): number {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return 0;
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(file, 'utf8'))?.[1] ?? 0) / 1024;
}

function row({ attack, attacked, memory, p99, missed }: Result): string[] {
  const grown = (mb: number) => `${mb < memory.before ? '' : '+'}${whole(mb - memory.before)}`;
  return [
    attack.what,
    whole(attacked.made),
    whole(attacked.refused),
    whole(memory.before),
    grown(memory.peak),
    grown(memory.after),
    p99.quiet.toFixed(1),
    p99.attacked.toFixed(1),
    ratio(p99).toFixed(2),
    missed.length === 0 ? 'met' : `MISSED: ${missed.join(', ')}`,
  ];
}

function report(results: Result[]): string {
  const counted = ['attack', 'amount', 'refused', 'MB before', 'peak', 'after'];
  const honest = ['honest p99 ms, quiet', 'attacked', 'ratio', 'promise'];
  return table([...counted, ...honest], results.map(row));
}

process.exit((await main()) ? 0 : 1);
