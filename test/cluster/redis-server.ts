import getPort from 'get-port';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** A separate Redis that a test may stop and start again, empty. */
export class RedisServer {
  private child?: ChildProcess;

  private constructor(
    private readonly port: number,
    private readonly settings: string[],
  ) {}

  /** @param settings more arguments of `redis-server` */
  static async start(...settings: string[]): Promise<RedisServer> {
    const redis = new RedisServer(await getPort({ host: '127.0.0.1' }), settings);
    await redis.restart();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async restart(): Promise<void> {
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    this.child = spawn('redis-server', [...args, '--dir', '/tmp', ...this.settings], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    for await (const line of this.child.stdout!) if (String(line).includes('Ready to accept')) return;
    throw new Error(`redis-server ended at once: is port ${this.port} taken?`);
  }

  /** As by `kill -9`. */
  async stop(): Promise<void> {
    const child = this.child;
    this.child = undefined;
    if (!child || child.exitCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
}
