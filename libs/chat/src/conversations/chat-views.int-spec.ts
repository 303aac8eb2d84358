import { ViewPool } from '#platform';
import { TestApp } from '#testing';

it('PostgreSQL keeps the plans of the views, whatever the number of chats', async () => {
  const app = await TestApp.start();
  try {
    const [anna, boris, vera] = await app.people('Анна', 'Борис', 'Вера');
    const chat = await app.chat(anna, boris);
    await app.chat(anna, vera);
    for (const path of [`chats/${chat.id}`, 'chats', `chats/${chat.id}`, 'chats'])
      await app.ask(anna, `GET ${path}`);
    const pool = app.app.get(ViewPool);
    const all = await Promise.all(Array.from({ length: pool.totalCount }, () => pool.connect()));
    const plans = await Promise.all(
      all.map((client) =>
        client.query<{ name: string; custom_plans: number }>(
          'SELECT name, custom_plans::int FROM pg_prepared_statements',
        ),
      ),
    );
    for (const client of all) client.release();
    const kept = plans.flatMap(({ rows }) => rows);
    expect([...new Set(kept.map(({ name }) => name))].sort()).toEqual([
      'chats-of',
      'first-participants',
      'last-messages',
    ]);
    expect(kept.filter(({ custom_plans }) => custom_plans > 0)).toEqual([]);
  } finally {
    await app.stop();
  }
});
