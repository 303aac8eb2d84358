import { TestApp, createTestDatabase, emptyRedis } from '#testing';

/** Several nodes on one database and one Redis. */
export class Cluster {
  private constructor(
    readonly nodes: TestApp[],
    readonly env: Record<string, string>,
    private readonly drop: () => Promise<void>,
  ) {}

  static async start(size: number, settings: Record<string, string> = {}): Promise<Cluster> {
    const database = await createTestDatabase();
    const REDIS_URL = settings.REDIS_URL ?? (await emptyRedis());
    const env = { DATABASE_URL: database.url, REDIS_URL, ...settings };
    const nodes = await Promise.all(Array.from({ length: size }, () => TestApp.start(env)));
    return new Cluster(nodes, env, () => database.drop());
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) await node.stop();
    await this.drop();
  }
}
