import { Client } from 'pg';
import { until } from './waiting.js';

/** A session of its own at a database: it locks what the app wants, sees who waits for that, and looks at what is stored. */
export class Bystander extends Client {
  static async at(databaseUrl: string): Promise<Bystander> {
    const bystander = new Bystander({ connectionString: databaseUrl });
    await bystander.connect();
    return bystander;
  }

  /** How many statements in this database wait for a lock. */
  async waiters(): Promise<number> {
    // Within a transaction PostgreSQL would go on showing what it has shown once.
    await this.query('SELECT pg_stat_clear_snapshot()');
    const { rows } = await this.query<{ count: number }>(
      `SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return rows[0]!.count;
  }

  async somebodyWaits(): Promise<void> {
    await until('a statement waits for a lock', async () => (await this.waiters()) > 0);
  }
}
