import { Client } from 'pg';
import { until } from '../waiting.js';

/** A separate database session. It takes locks that the app needs, counts waiting statements, and reads stored data. */
export class DatabaseSession extends Client {
  static async at(databaseUrl: string): Promise<DatabaseSession> {
    const session = new DatabaseSession({ connectionString: databaseUrl });
    await session.connect();
    return session;
  }

  /** The number of statements in this database that wait for a lock. */
  async waiters(): Promise<number> {
    // Within a transaction, PostgreSQL caches its statistics.
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
