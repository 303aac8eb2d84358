import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../prepare.mjs';

/** Delay before a dead process is started again, ms. */
const RESTART_MS = 1000;

/** Runs an app and restarts it when it dies, as `restart: unless-stopped` does. Adds its name to each line of its output. */
export class KeptProcess {
  isReady = false;
  #name;
  #main;
  #env;
  #child;
  #ended = Promise.resolve();
  #isStopping = false;

  constructor(name, main, env) {
    this.#name = name;
    this.#main = main;
    this.#env = env;
  }

  get url() {
    return `http://127.0.0.1:${this.#env.PORT}`;
  }

  /** Resolves when the app is ready. Throws when it ends before that. */
  async start() {
    const child = spawn(process.execPath, ['--enable-source-maps', this.#main], {
      cwd: root,
      env: { ...process.env, ...this.#env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C in a terminal goes only to the parent, which stops this process.
      detached: true,
    });
    this.#child = child;
    for (const [stream, print] of [
      [child.stdout, console.log],
      [child.stderr, console.error],
    ])
      createInterface(stream).on('line', (line) => print(this.#named(line)));
    let hasEnded = false;
    this.#ended = new Promise((resolve) => child.once('close', resolve)).then(() => (hasEnded = true));
    while (!(await this.#answers())) {
      if (hasEnded || this.#isStopping) throw new Error(`${this.#name} does not start`);
      await sleep(100);
    }
    this.isReady = true;
    void this.#ended.then(() => this.#again());
  }

  async stop() {
    this.#isStopping = true;
    this.#child?.kill('SIGTERM');
    await this.#ended;
  }

  async #again() {
    this.isReady = false;
    if (this.#isStopping) return;
    const { signalCode, exitCode } = this.#child;
    console.error(`[${this.#name}] ended by itself (${signalCode ?? exitCode}), starting it again`);
    await sleep(RESTART_MS);
    if (!this.#isStopping) await this.start().catch(() => this.#again());
  }

  /** A line of the log stays JSON, and gets the name as a field. */
  #named(line) {
    return line.startsWith('{"')
      ? `{"app":${JSON.stringify(this.#name)},${line.slice(1)}`
      : `[${this.#name}] ${line}`;
  }

  #answers() {
    return fetch(`${this.url}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  }
}
