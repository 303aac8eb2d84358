import { once } from 'node:events';
import type { Listened, ListenOrder } from './listener.js';
import { accessToken, groupsOf, store } from './accounts.js';
import { asking, forkBench, stop } from './processes.js';
import { foreignLoad, machine, median, percentile, table, verdict, whole } from './report.js';
import { cpuSeconds, durabilityProblems, startPostgres, startSystem, type System } from './system.js';

/**
 * Measures the delay of the tokens of 200 concurrent answers over `/ws/chat`. Compares it with the same streams read
 * from the model directly. The difference is the cost of the system, which logs every growing answer and stores it when
 * complete. The two alternate.
 */

const STREAMS = 200;
/** One every 20 ms. */
const TOKENS = 500;
const WARM_UP_TOKENS = 100;
const ROUNDS = 3;
/** Time between the starts of two answers, ms. */
const APART = 5;
const ADDED_P99_MS = 50;

type Way = 'system' | 'direct';
const NAMES: Record<Way, string> = { system: 'over /ws/chat', direct: 'from the model' };

interface Round {
  p50: number;
  p99: number;
  rate: number;
  load: number;
  /** The load of the system, from its own metrics. */
  systemLoad: number;
}

async function main(): Promise<boolean> {
  const load = [await foreignLoad()];
  const model = forkBench('fake-model.js');
  const [port] = (await once(model, 'message')) as [number];
  const modelUrl = `http://127.0.0.1:${port}/v1`;
  const postgres = await startPostgres();
  const system = await startSystem(postgres, postgres.url, {
    OPENAI_API_KEY: 'bench',
    OPENAI_BASE_URL: modelUrl,
    ASSISTANT_RATE: '1000000',
  });
  const problems = await durabilityProblems(system.db);
  const groups = groupsOf(1, STREAMS);
  await store(system.db, groups);
  const listener = forkBench('listener.js');
  const ask = asking<ListenOrder, object>(listener);
  const tokens = groups[0]!.accounts.map((account) => accessToken(account, system.secret));
  await ask({ do: 'open', url: system.url, tokens });
  const sent = asking<object, { answers: Map<string, string> }>(model);

  const run = async (way: Way, round: number): Promise<Round> => {
    const count = round < 0 ? WARM_UP_TOKENS : TOKENS;
    const questions = tokens.map((_, i) => `${way}-${round}-${i} ${count}`);
    const url = way === 'system' ? system.url : modelUrl;
    const busy = await cpuSeconds(system);
    const received = await ask<Listened>({ do: way, url, questions, apart: APART });
    const systemLoad = ((await cpuSeconds(system)) - busy) / received.seconds;
    const { answers } = await sent({});
    problems.push(...received.problems);
    for (const question of questions)
      if (received.answers.get(question) !== answers.get(question))
        problems.push(`${question}: the received answer differs from the sent one`);
    if (way === 'system') problems.push(...(await audit(system, questions, answers)));
    const delays = [...received.delays];
    const result = {
      p50: percentile(delays, 0.5),
      p99: percentile(delays, 0.99),
      rate: delays.length / received.seconds,
      load: received.load,
      systemLoad,
    };
    console.error(`round ${round + 1}: ${NAMES[way]} p99 ${result.p99.toFixed(1)} ms`);
    return result;
  };
  const rounds: Record<Way, Round[]> = { system: [], direct: [] };
  for (let i = -1; i < ROUNDS; i++)
    for (const way of i % 2 ? (['direct', 'system'] as const) : (['system', 'direct'] as const)) {
      const round = await run(way, i);
      // The first round warms up connections and compiled code.
      if (i >= 0) rounds[way].push(round);
    }
  const version = await system.db.query<{ server_version: string }>('SHOW server_version');
  await stop(listener);
  await system.stop();
  await stop(model);
  await postgres.stop();
  load.push(await foreignLoad());
  report(rounds, machine(load, version.rows[0]!.server_version), problems);
  return problems.length === 0;
}

/** Checks that every answer is stored as it was sent, and that the answer log is empty. */
async function audit(system: System, questions: string[], answers: Map<string, string>): Promise<string[]> {
  const { rows } = await system.db.query<{ question: string; content: string; status: string }>(
    `SELECT q.content AS question, a.content, a.status FROM assistant_messages a
     JOIN assistant_messages q ON q.id = a.reply_to WHERE q.content = ANY($1)`,
    [questions],
  );
  const left = await system.db.query('SELECT 1 FROM assistant_tokens LIMIT 1');
  return [
    ...(rows.length === questions.length ? [] : [`${rows.length} answers stored of ${questions.length}`]),
    ...rows.flatMap(({ question, content, status }) =>
      status === 'complete' && content === answers.get(question) ? [] : [`${question}: stored otherwise`],
    ),
    ...(left.rows.length === 0 ? [] : ['logged tokens of answers that are whole']),
  ];
}

function report(rounds: Record<Way, Round[]>, where: string, problems: string[]): void {
  const row = (way: Way) => {
    const middle = (key: keyof Round) => median(rounds[way].map((round) => round[key]));
    return [
      NAMES[way],
      whole(middle('rate')),
      middle('p50').toFixed(1),
      middle('p99').toFixed(1),
      middle('load').toFixed(2),
      middle('systemLoad').toFixed(2),
    ];
  };
  const added = (key: 'p50' | 'p99') => rounds.system.map((round, i) => round[key] - rounds.direct[i]![key]);
  const [p50, p99] = [added('p50'), added('p99')];
  console.log(
    table(
      [`${STREAMS} streams of 50 tokens/s`, 'tokens/s', 'p50 ms', 'p99 ms', 'listener load', 'system load'],
      [row('system'), row('direct')],
    ),
  );
  console.log(`\n${where}`);
  console.log(
    `Medians of ${ROUNDS} rounds of ${TOKENS} tokens a stream, in turns. Loads: 1 is one full core.\n`,
  );
  console.log(
    `- beyond the model's own: p50 ${median(p50).toFixed(1)} ms, p99 ${median(p99).toFixed(1)} ms (single rounds ` +
      `${Math.min(...p99).toFixed(1)} to ${Math.max(...p99).toFixed(1)}), under ${ADDED_P99_MS} wanted: ` +
      verdict(median(p99) < ADDED_P99_MS),
  );
  console.log(`- self-check: ${problems.length ? `FAILED\n${problems.slice(0, 20).join('\n')}` : 'ok'}`);
}

process.exit((await main()) ? 0 : 1);
