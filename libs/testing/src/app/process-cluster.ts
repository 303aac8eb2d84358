import { Pool } from 'pg';
import { AppProcess, type App } from './app-process.js';
import { createTestDatabase } from './database.js';
import { Link } from '../clients/link.js';
import { Platform } from './platform.js';
import { emptyRedis } from './redis.js';
import { TEST_SETTINGS } from './settings.js';

const ROLES = ['api', 'realtime', 'worker'] as const;

/**
 * The platform as separate processes on one database and one Redis, behind a simulated proxy. Or a single process that
 * is api, realtime node and worker.
 */
export class ProcessCluster extends Platform {
  readonly api: AppProcess[] = [];
  readonly realtime: AppProcess[] = [];
  readonly worker: AppProcess[] = [];
  /** Connects to the database directly, not through the link of the apps. */
  private readonly direct: Pool;
  private rest?: Link;
  private sockets?: Link;

  private constructor(
    readonly databaseUrl: string,
    readonly env: Record<string, string>,
    private readonly drop: () => Promise<void>,
  ) {
    super();
    this.direct = new Pool({ connectionString: databaseUrl, max: 2 });
    // The next query opens a new connection.
    this.direct.on('error', () => undefined);
  }

  /**
   * One api, one worker and two realtime nodes, unless `sizes` differs. `settings` may have a DATABASE_URL and
   * REDIS_URL for the apps; then `databaseUrl` is the direct address.
   */
  static async start(
    settings: Record<string, string> = {},
    sizes: Partial<Record<(typeof ROLES)[number], number>> = {},
    databaseUrl?: string,
  ): Promise<ProcessCluster> {
    const database = settings.DATABASE_URL ? undefined : await createTestDatabase();
    const REDIS_URL = settings.REDIS_URL ?? (await emptyRedis());
    const env = {
      ...TEST_SETTINGS,
      DATABASE_URL: database?.url ?? settings.DATABASE_URL!,
      ...settings,
      REDIS_URL,
    };
    const cluster = new ProcessCluster(databaseUrl ?? env.DATABASE_URL, env, async () => database?.drop());
    const apps = ROLES.flatMap((app) =>
      Array.from({ length: sizes[app] ?? (app === 'realtime' ? 2 : 1) }, () => app),
    );
    return cluster.with(apps);
  }

  /** One process without Redis. */
  static async alone(): Promise<ProcessCluster> {
    const { url, drop } = await createTestDatabase();
    return new ProcessCluster(url, { ...TEST_SETTINGS, DATABASE_URL: url }, drop).with(['standalone']);
  }

  private async with(apps: App[]): Promise<this> {
    await Promise.all(apps.map((app) => this.add(app)));
    this.rest = await Link.to(...living(this.api));
    this.sockets = await Link.to(...living(this.realtime));
    return this;
  }

  /** The address of any running api. */
  get url(): string {
    return this.rest!.url.replace(/\/$/, '');
  }

  /** The address of any running realtime node. */
  override get socketUrl(): string {
    return this.sockets!.url.replace(/\/$/, '');
  }

  get processes(): AppProcess[] {
    return [...new Set(ROLES.flatMap((role) => this[role]))];
  }

  /** Starts another process. */
  async add(app: App, settings: Record<string, string> = {}): Promise<AppProcess> {
    const started = await AppProcess.start(app, { ...this.env, ...settings });
    for (const role of app === 'standalone' ? ROLES : [app]) this[role].push(started);
    this.rest?.leadTo(...living(this.api));
    this.sockets?.leadTo(...living(this.realtime));
    return started;
  }

  override async rows<T extends object>(sql: string, values: unknown[] = []): Promise<T[]> {
    return (await this.direct.query<T>(sql, values)).rows;
  }

  /** @throws Error (when a process died, did not stop correctly, or violated the contract) */
  async stop(): Promise<void> {
    const died = this.processes.filter((process) => process.died);
    const left = this.processes.filter(({ ended }) => ended === null);
    this.hangUp();
    await Promise.all(left.map((process) => process.signal('SIGTERM')));
    const failed = [...died, ...left.filter(({ ended }) => ended !== 0)];
    this.rest?.close();
    this.sockets?.close();
    await this.direct.end();
    await this.drop();
    if (failed.length > 0)
      throw new Error(
        failed.map(({ name, ended, log }) => `${name} ended with ${ended}:\n${log.join('\n')}`).join(),
      );
    this.expectContractKept();
  }
}

const living = (processes: AppProcess[]) =>
  processes.flatMap(({ ended, url }) => (ended === null ? [url] : [])) as [string, ...string[]];
