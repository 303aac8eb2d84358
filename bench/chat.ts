import type { Client } from 'pg';
import type { Findings, Round } from './fleet.js';
import { accessToken, groupsOf, relayAuth, store, type Group, type Account } from './accounts.js';
import { startDriver, startRelay, type Running } from './processes.js';
import { foreignLoad, machine, median, table, verdict, whole } from './report.js';
import { cpuSeconds, durabilityProblems, startPostgres, startSystem } from './system.js';
import { compareWithRows } from './stored.js';

/**
 * Measures the system's throughput as a share of a bare Socket.IO relay's. The system checks, numbers, stores and
 * commits every message before its ack. Both run on the same machine in alternation, so the ratio holds on other
 * machines.
 *
 * With the argument `relay`, a second relay replaces the system: the ratios should be 1, and their deviation is the
 * noise of the machine. With the folder of another prepared checkout, its system replaces the relay: the ratios are the
 * cost of a change.
 */

const ROUNDS = 5;
const ROUND_SECONDS = 3;
const WARM_UP_SECONDS = 3;

interface Scenario {
  name: string;
  groups: Group[];
  senders: number;
  measure: Part;
  atLeast: number;
}

const scenarios: Scenario[] = [
  { name: '50 chats of 2', groups: groupsOf(50, 2), senders: 2, measure: 'sends', atLeast: 0.4 },
  { name: '20 chats of 20', groups: groupsOf(20, 20), senders: 20, measure: 'sends', atLeast: 0.4 },
  { name: 'room of 1,000', groups: groupsOf(1, 1000), senders: 4, measure: 'deliveries', atLeast: 0.9 },
];
const IN_FLIGHT = 4;
/** The least share of throughput that a change must keep. */
const NOT_SLOWER = 0.97;

interface Target extends Running {
  name: string;
  auth(account: Account, group: Group): object;
  /** Undefined for a relay, which stores nothing. */
  db?: Client;
}

/** With the CPU time per send in µs, for a system. */
type Measured = Round & { cpu?: number };

async function main(): Promise<boolean> {
  const load = [await foreignLoad()];
  const [, , argument] = process.argv;
  const other = argument === 'relay' ? undefined : argument;
  const relay = other ? await system('system before', other) : await startedRelay('bare relay');
  const subject = argument === 'relay' ? await startedRelay('another relay') : await system('system');
  const problems = subject.db ? await durabilityProblems(subject.db) : [];
  const rows: string[][] = [];
  const verdicts: string[] = [];
  for (const scenario of scenarios) {
    const { rounds, findings } = await measure(scenario, [subject, relay]);
    for (const target of [subject, relay]) {
      problems.push(
        ...(await audit(scenario, target, findings.get(target)!)).map((p) => `${target.name}: ${p}`),
      );
    }
    const [ours, theirs] = [rounds.get(subject)!, rounds.get(relay)!];
    const ratios = {
      sends: ratiosOf(ours, theirs, perSecond('sends')),
      deliveries: ratiosOf(ours, theirs, perSecond('deliveries')),
    };
    rows.push(row(scenario.name, subject.name, ours, ratios), row(scenario.name, relay.name, theirs));
    const { measure: what } = scenario;
    const atLeast = other ? NOT_SLOWER : scenario.atLeast;
    const ratio = median(ratios[what]);
    verdicts.push(
      `- ${scenario.name}: ${ratio.toFixed(2)} of ${relay.name}'s ${what}/s (single rounds ` +
        `${Math.min(...ratios[what]).toFixed(2)} to ${Math.max(...ratios[what]).toFixed(2)}), ` +
        `at least ${atLeast} wanted: ${verdict(ratio >= atLeast)}`,
    );
    if (other)
      verdicts.push(
        `  CPU a send: ${median(ratiosOf(ours, theirs, ({ cpu }) => cpu!)).toFixed(2)} of before`,
      );
  }
  const version = await subject.db?.query<{ server_version: string }>('SHOW server_version');
  await Promise.all([subject.stop(), relay.stop()]);
  load.push(await foreignLoad());

  const header = ['scenario', 'server', 'sends/s', 'deliveries/s', 'ack p50 ms', 'ack p99 ms'];
  const last = ['sends ratio', 'deliveries ratio', 'bytes each', 'CPU µs a send', 'driver load'];
  console.log(table([...header, ...last], rows));
  console.log(`\n${machine(load, version?.rows[0]?.server_version)}`);
  console.log(
    `Medians of ${ROUNDS} rounds of ${ROUND_SECONDS} s, in turns; the ratios', too. CPU of the ` +
      `system's process, without PostgreSQL. Driver load: 1 is one full core.\n`,
  );
  console.log(verdicts.join('\n'));
  console.log(`\nself-check: ${problems.length ? `FAILED\n${problems.slice(0, 20).join('\n')}` : 'ok'}`);
  return problems.length === 0;
}

async function measure({ name, groups, senders }: Scenario, targets: Target[]) {
  const driver = startDriver();
  for (const target of targets) {
    const chats = groups.map((group) => ({
      id: group.id,
      members: group.accounts.map((account) => target.auth(account, group)),
      senders,
      inFlight: IN_FLIGHT,
    }));
    await driver.open({ target: target.name, urls: [target.url], chats });
  }
  for (const target of targets) await driver.run(target.name, WARM_UP_SECONDS);

  const rounds = new Map(targets.map((target) => [target, [] as Measured[]]));
  for (let i = 0; i < ROUNDS; i++) {
    // The second target suffers from the first one's checkpoints and heat, so the order alternates.
    for (const target of i % 2 ? [...targets].reverse() : targets) {
      const before = target.db && (await cpuSeconds(target));
      const round = await driver.run(target.name, ROUND_SECONDS);
      const cpu = target.db && ((await cpuSeconds(target)) - before!) * (1e6 / round.sends);
      rounds.get(target)!.push({ ...round, cpu });
      console.error(`${name}, round ${i + 1}: ${target.name} ${whole(round.sends / round.seconds)} sends/s`);
    }
  }
  const findings = new Map<Target, Findings>();
  for (const target of targets) findings.set(target, await driver.check(target.name));
  await driver.stop();
  return { rounds, findings };
}

/** Compares acks, rows and deliveries of all rounds, including the warm-up. */
async function audit({ name, groups }: Scenario, target: Target, findings: Findings): Promise<string[]> {
  const problems = [...findings.problems];
  const size = groups[0]!.accounts.length;
  if (findings.acks === 0) problems.push('nothing was sent');
  if (findings.deliveries !== findings.acks * size) {
    problems.push(`${findings.deliveries} deliveries of ${findings.acks} acks x ${size} members`);
  }
  for (const { chatId, acked } of target.db ? findings.ledgers : []) {
    const problem = await compareWithRows(target.db!, chatId, acked);
    if (problem) problems.push(`chat ${chatId}: ${problem}`);
  }
  return problems.map((problem) => `${name}: ${problem}`);
}

type Part = 'sends' | 'deliveries';

const perSecond = (part: Part) => (round: Round) => round[part] / round.seconds;

/** Ratios per round: a slow phase of the machine affects both halves of a round. */
function ratiosOf(ours: Measured[], theirs: Measured[], value: (round: Measured) => number): number[] {
  return ours.map((round, i) => value(round) / value(theirs[i]!));
}

function row(
  scenario: string,
  server: string,
  rounds: Measured[],
  ratios?: Record<Part, number[]>,
): string[] {
  const middle = (value: (round: Measured) => number) => median(rounds.map(value));
  const ratio = (part: Part) => (ratios ? median(ratios[part]).toFixed(2) : '1');
  return [
    scenario,
    server,
    whole(middle(perSecond('sends'))),
    whole(middle(perSecond('deliveries'))),
    middle((round) => round.ackP50).toFixed(1),
    middle((round) => round.ackP99).toFixed(1),
    ratio('sends'),
    ratio('deliveries'),
    whole(middle((round) => round.frameBytes)),
    rounds[0]!.cpu === undefined ? '-' : whole(middle((round) => round.cpu!)),
    middle((round) => round.driverLoad).toFixed(2),
  ];
}

async function system(name: string, checkout?: string): Promise<Target> {
  const postgres = await startPostgres();
  const running = await startSystem(postgres, postgres.url, {}, undefined, checkout);
  await store(
    running.db,
    scenarios.flatMap((scenario) => scenario.groups),
  );
  return {
    ...running,
    name,
    auth: (account) => ({ token: accessToken(account, running.secret) }),
    stop: async () => {
      await running.stop();
      await postgres.stop();
    },
  };
}

async function startedRelay(name: string): Promise<Target> {
  return { name, auth: relayAuth, ...(await startRelay()) };
}

process.exit((await main()) ? 0 : 1);
