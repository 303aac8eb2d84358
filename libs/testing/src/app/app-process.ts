import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** Longer than any app needs to start on a busy machine, ms. */
const READY_MS = 180_000;
const KEPT_LINES = 200;

export type App = 'api' | 'realtime' | 'worker' | 'standalone';

/** Runs one app as an operator does: in its own process, from compiled code. */
export class AppProcess {
  /** The last lines of its output. */
  readonly log: string[] = [];
  url!: string;
  /** True when a test ended it. */
  private wasEnded = false;

  private constructor(
    readonly name: App,
    private readonly child: ChildProcess,
  ) {
    for (const output of [child.stdout!, child.stderr!])
      createInterface(output).on('line', (line) => {
        this.log.push(line);
        if (this.log.length > KEPT_LINES) this.log.shift();
      });
  }

  /** Resolves when the app is ready. */
  static async start(app: App, env: NodeJS.ProcessEnv): Promise<AppProcess> {
    const settings = { HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'info', NODE_OPTIONS: '', ...env };
    const child = spawn(process.execPath, ['--enable-source-maps', resolve(`dist/apps/${app}/src/main.js`)], {
      env: { ...process.env, ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const started = new AppProcess(app, child);
    await started.isReady();
    return started;
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** The exit code or signal; null while it runs. */
  get ended(): number | NodeJS.Signals | null {
    return this.child.exitCode ?? this.child.signalCode;
  }

  /** True when the process ended by itself. */
  get died(): boolean {
    return this.ended !== null && !this.wasEnded;
  }

  /** Sends a signal. Resolves when `SIGSTOP` or `SIGCONT` is sent, or when any other signal has ended the process. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    if (signal === 'SIGSTOP' || signal === 'SIGCONT') return void this.child.kill(signal);
    this.wasEnded = true;
    if (this.ended !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill(signal);
    await gone;
  }

  private async isReady(): Promise<void> {
    for (const deadline = Date.now() + READY_MS; Date.now() < deadline; await sleep(20)) {
      if (this.ended !== null) break;
      this.url ??= this.address()!;
      if (this.url && (await fetch(`${this.url}/health/ready`)).ok) return;
    }
    this.child.kill('SIGKILL');
    throw new Error(`${this.name} is not ready (${this.ended}):\n${this.log.join('\n')}`);
  }

  /** Read from the log, or from the start message of the standalone app. */
  private address(): string | undefined {
    const line = this.log.find((line) => /"msg":"listening"|Service Platform/.test(line));
    return line && /http:[^"\s]+/.exec(line)?.[0];
  }
}
