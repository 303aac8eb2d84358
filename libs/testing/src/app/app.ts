import { PgPool, loadConfig } from '#platform';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Server } from 'socket.io';
import { createApp } from '../../../../apps/standalone/src/app.js';
import { GracefulStop } from '../../../../apps/realtime/src/connections/graceful-stop.js';
import { createTestDatabase } from './database.js';
import { Platform } from './platform.js';
import { redisBeside } from './redis.js';
import { TEST_SETTINGS } from './settings.js';

/** The whole platform with its own database and port. */
export class TestApp extends Platform {
  private constructor(
    readonly app: NestFastifyApplication,
    readonly url: string,
    readonly databaseUrl: string,
    private readonly dropDatabase: () => Promise<void>,
  ) {
    super();
  }

  /** The server's end of all devices. */
  get socketServer(): Server {
    return this.app.get<unknown, { server: Server }>(GracefulStop).server;
  }

  /** Limits are off unless `env` sets them. */
  static async start(env: Record<string, string> = {}): Promise<TestApp> {
    const database = env.DATABASE_URL ? undefined : await createTestDatabase();
    const databaseUrl = database?.url ?? env.DATABASE_URL!;
    const config = loadConfig({
      ...TEST_SETTINGS,
      DATABASE_URL: databaseUrl,
      LOG_LEVEL: process.env.LOG_LEVEL ?? 'silent',
      ...(await redisBeside(databaseUrl)),
      ...env,
    });
    const app = await createApp(config);
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as { port: number };
    return new TestApp(app, `http://127.0.0.1:${port}`, databaseUrl, async () => database?.drop());
  }

  /** Reads the database directly. */
  override async rows<T extends object>(sql: string, values: unknown[] = []): Promise<T[]> {
    return (await this.app.get(PgPool).query<T>(sql, values)).rows;
  }

  /** @throws Error (when any device received something that the contract forbids) */
  async stop(): Promise<void> {
    this.hangUp();
    await this.app.close();
    await this.dropDatabase();
    this.expectContractKept();
  }
}
