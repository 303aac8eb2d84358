import { ErrorBody } from '#contracts';
import { Metrics, SearchPool } from '#platform';
import { contractErrors, TestApp, until, type Account, type Reply } from '#testing';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { refused } from './counted.js';
import { holdExecutions } from './held-executions.js';

const range = (length: number) => Array.from({ length }, (_, i) => i);

const expectRefused = (replies: Reply<object>[], code: string) => {
  for (const { body } of replies) {
    expect([body.code, contractErrors(ErrorBody, body)]).toEqual([code, []]);
    expect(body.retry_after_ms).toBeGreaterThan(0);
  }
};
const statuses = (replies: Reply<object>[]) => (status: number) =>
  replies.filter((reply) => reply.status === status);

describe('at once', () => {
  let app: TestApp;
  let greedy: Account;
  let honest: Account;
  beforeAll(async () => {
    app = await TestApp.start({ TRUSTED_PROXIES: '1' });
    [greedy, honest] = await app.people('Глеб', 'Анна');
  });
  afterAll(() => app.stop());
  afterEach(() => jest.restoreAllMocks());

  it('four reads of one user run and 200 wait, while others read', async () => {
    const held = holdExecutions(app.app.get(QueryBus), greedy.id);
    const read = ({ token }: Account) => app.request<object>('GET', 'users/me', token);
    const flood = Promise.all(range(230).map(() => read(greedy)));
    await until('refused', async () => (await refused(app.url, 'reads at once')) === 26);
    await until('four run', () => held.begun === 4);
    expect((await read(honest)).status).toBe(200);
    held.release();
    const replies = await flood;
    expect(statuses(replies)(200)).toHaveLength(204);
    expectRefused(statuses(replies)(429), 'RATE_LIMIT');
  });

  it('four writes of one user run and the rest wait, while others write', async () => {
    const held = holdExecutions(app.app.get(CommandBus), greedy.id);
    const write = ({ token }: Account) => app.request<object>('PATCH', 'users/me', token, {});
    const flood = Promise.all(range(20).map(() => write(greedy)));
    await until('four run', () => held.begun === 4);
    expect((await write(honest)).status).toBe(200);
    expect(held.begun).toBe(4);
    held.release();
    expect(statuses(await flood)(200)).toHaveLength(20);
  });

  it('four scrapes of one address run and 200 wait, while others are answered', async () => {
    const { registry, refused: refusals } = app.app.get(Metrics);
    const refusedSoFar = async () =>
      (await refusals.get()).values.find(({ labels }) => labels.budget === 'reads at once')?.value ?? 0;
    const collect = registry.metrics.bind(registry);
    let running = 0;
    let finish!: () => void;
    const held = new Promise<void>((resolve) => (finish = resolve));
    jest.spyOn(registry, 'metrics').mockImplementation(async () => {
      running += 1;
      await held;
      return collect();
    });
    const scrape = async (from: string) =>
      (await fetch(`${app.url}/metrics`, { headers: { 'x-forwarded-for': from } })).status;
    const before = await refusedSoFar();
    const flood = Promise.all(range(230).map(() => scrape('203.0.113.1')));
    await until('refused', async () => (await refusedSoFar()) === before + 26);
    await until('four run', () => running === 4);
    const other = scrape('203.0.113.2');
    await until('another runs', () => running === 5);
    expect((await app.request('GET', 'users/me', honest.token)).status).toBe(200);
    finish();
    expect(await other).toBe(200);
    expect((await flood).filter((status) => status === 200)).toHaveLength(204);
  });

  it('the process is measured once a second, however often it is scraped', async () => {
    const scrape = async () => (await fetch(`${app.url}/metrics`)).text();
    const texts = await Promise.all(range(100).map(scrape));
    const used = texts.map((text) => /^process_cpu_seconds_total (\S+)$/m.exec(text)![1]);
    expect(new Set(used).size).toBeLessThan(50);
  });

  it('searches have four connections and 3 s per statement, and delay no other reads', async () => {
    const pool = app.app.get(SearchPool);
    const held = await Promise.all(range(4).map(() => pool.connect()));
    expect((await held[0]!.query('SHOW statement_timeout')).rows).toEqual([{ statement_timeout: '3s' }]);
    const search = app.request('GET', 'users?query=анна', honest.token);
    await until('a search waits', () => pool.waitingCount === 1);
    expect((await app.request('GET', 'users/me', honest.token)).status).toBe(200);
    for (const one of held) one.release();
    expect((await search).status).toBe(200);
  });
});
