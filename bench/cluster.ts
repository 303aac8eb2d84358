import type { Findings, Round } from './fleet.js';
import { startNodes, startRedis, type Nodes } from './nodes.js';
import { accessToken, groupsOf, store, type Group } from './accounts.js';
import { startDriver } from './processes.js';
import { foreignLoad, machine, median, table, whole } from './report.js';
import { compareWithRows } from './stored.js';
import { durabilityProblems, startPostgres } from './system.js';

/**
 * Measures the gain and cost of a second realtime node: two nodes and one, in alternation, on one PostgreSQL and one
 * Redis. One process drives them, with the members of every chat on both nodes. With fewer cores than processes, two
 * nodes cannot be twice as fast. Then the CPU time per send shows the result with enough cores.
 */

const ROUNDS = 5;
const ROUND_SECONDS = 3;
const WARM_UP_SECONDS = 3;
const IN_FLIGHT = 4;

interface Scenario {
  name: string;
  groups: Group[];
  senders: number;
}

const scenarios: Scenario[] = [
  { name: '50 chats of 2', groups: groupsOf(50, 2), senders: 2 },
  { name: '20 chats of 20', groups: groupsOf(20, 20), senders: 20 },
];

interface Measured extends Round {
  /** CPU time of all its realtime nodes. */
  cpuSeconds: number;
}

async function main(): Promise<boolean> {
  const load = [await foreignLoad()];
  const postgres = await startPostgres();
  const redis = await startRedis(postgres);
  if (!redis) throw new Error('there is no redis-server here');
  const sizes = [await startNodes(postgres, redis, 1), await startNodes(postgres, redis, 2)];
  const problems = await durabilityProblems(sizes[0]!.db);
  for (const { db } of sizes)
    await store(
      db,
      scenarios.flatMap(({ groups }) => groups),
    );
  const rows: string[][] = [];
  const ratios: string[] = [];
  for (const scenario of scenarios) {
    const { rounds, findings } = await measure(scenario, sizes);
    for (const [i, nodes] of sizes.entries())
      problems.push(
        ...(await audit(scenario, nodes, findings[i]!)).map((problem) => `${nameOf(nodes)}: ${problem}`),
      );
    const [one, two] = rounds as [Measured[], Measured[]];
    sizes.forEach((nodes, i) => rows.push(row(scenario.name, nodes, rounds[i]!)));
    ratios.push(`- ${scenario.name}: two nodes to one: ${compare(one, two)}`);
  }
  const version = await sizes[0]!.db.query<{ server_version: string }>('SHOW server_version');
  for (const nodes of sizes) await nodes.stop();
  await redis.stop();
  await postgres.stop();
  load.push(await foreignLoad());

  const header = ['scenario', 'realtime', 'sends/s', 'deliveries/s', 'ack p50 ms', 'ack p99 ms'];
  console.log(table([...header, 'CPU µs a send', 'CPU of nodes', 'driver load'], rows));
  console.log(`\n${machine(load, version.rows[0]!.server_version)}; Redis with an append-only file`);
  console.log(
    `Medians of ${ROUNDS} rounds of ${ROUND_SECONDS} s, in turns; the ratios', too. CPU: of all realtime nodes together. ` +
      'Loads: 1 is one full core.\n',
  );
  console.log(ratios.join('\n'));
  console.log(`\nself-check: ${problems.length ? `FAILED\n${problems.slice(0, 20).join('\n')}` : 'ok'}`);
  return problems.length === 0;
}

async function measure({ name, groups, senders }: Scenario, sizes: Nodes[]) {
  const driver = startDriver();
  for (const nodes of sizes) {
    const chats = groups.map(({ id, accounts }) => ({
      id,
      members: accounts.map((account) => ({ token: accessToken(account, nodes.secret) })),
      senders,
      inFlight: IN_FLIGHT,
    }));
    await driver.open({ target: nameOf(nodes), urls: nodes.urls, chats });
  }
  for (const nodes of sizes) await driver.run(nameOf(nodes), WARM_UP_SECONDS);
  const rounds: Measured[][] = sizes.map(() => []);
  for (let i = 0; i < ROUNDS; i++) {
    // The second target suffers from the first one's leftovers, so the order alternates.
    for (const at of i % 2 ? [1, 0] : [0, 1]) {
      const nodes = sizes[at]!;
      const before = await nodes.cpuSeconds();
      const round = await driver.run(nameOf(nodes), ROUND_SECONDS);
      rounds[at]!.push({ ...round, cpuSeconds: (await nodes.cpuSeconds()) - before });
      console.error(
        `${name}, round ${i + 1}: ${nameOf(nodes)} ${whole(round.sends / round.seconds)} sends/s`,
      );
    }
  }
  const findings: Findings[] = [];
  for (const nodes of sizes) findings.push(await driver.check(nameOf(nodes)));
  await driver.stop();
  return { rounds, findings };
}

/** Compares acks, rows and deliveries of all rounds: nothing is lost or doubled. */
async function audit({ name, groups }: Scenario, { db }: Nodes, findings: Findings): Promise<string[]> {
  const problems = [...findings.problems];
  const size = groups[0]!.accounts.length;
  if (findings.deliveries !== findings.acks * size)
    problems.push(`${findings.deliveries} deliveries of ${findings.acks} acks x ${size} members`);
  for (const { chatId, acked } of findings.ledgers) {
    const problem = await compareWithRows(db, chatId, acked);
    if (problem) problems.push(`chat ${chatId}: ${problem}`);
  }
  return problems.map((problem) => `${name}: ${problem}`);
}

const nameOf = ({ urls }: Nodes) => (urls.length === 1 ? 'one node' : `${urls.length} nodes`);
const rate = (round: Measured) => round.sends / round.seconds;
const cost = (round: Measured) => (round.cpuSeconds * 1e6) / round.sends;

function row(scenario: string, nodes: Nodes, rounds: Measured[]): string[] {
  const middle = (value: (round: Measured) => number) => median(rounds.map(value));
  return [
    scenario,
    nameOf(nodes),
    whole(middle(rate)),
    whole(middle((round) => round.deliveries / round.seconds)),
    middle((round) => round.ackP50).toFixed(1),
    middle((round) => round.ackP99).toFixed(1),
    whole(middle(cost)),
    middle((round) => round.cpuSeconds / round.seconds).toFixed(2),
    middle((round) => round.driverLoad).toFixed(2),
  ];
}

/** Ratios per round: a slow phase of the machine affects both halves of a round. */
function compare(one: Measured[], two: Measured[]): string {
  const ratios = (value: (round: Measured) => number) => two.map((round, i) => value(round) / value(one[i]!));
  const received = (values: number[]) =>
    `${median(values).toFixed(2)} (single rounds ${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)})`;
  const [rates, costs] = [ratios(rate), ratios(cost)];
  return (
    `sends/s ${received(rates)}, CPU a send ${received(costs)}; ` +
    `with a core for each node that would be ${(2 / median(costs)).toFixed(2)} times the sends`
  );
}

process.exit((await main()) ? 0 : 1);
