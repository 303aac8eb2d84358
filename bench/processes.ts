import { fork, spawn, type ChildProcess, type ForkOptions } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Answer, Order } from './driver.js';
import type { Findings, Round } from './fleet.js';

const children = new Set<ChildProcess>();
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

export interface Running {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

/**
 * The flags of `npm start`: a larger young generation, since messages in flight outlive a small one. Also for the
 * relay.
 */
const NODE_FLAGS = ['--max-semi-space-size=64'];

/**
 * Starts `dist/<script>` of this checkout, or of another prepared one. Prints only its first few errors, since a
 * failing server would fill the terminal.
 */
export function startServer(
  script: string,
  env: NodeJS.ProcessEnv,
  flags = NODE_FLAGS,
  checkout = fileURLToPath(new URL('../../', import.meta.url)),
): ChildProcess {
  const child = spawn(process.execPath, [...flags, join(checkout, 'dist', script)], {
    env: { ...process.env, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let lines = 0;
  const fail = (line: string) => void (lines++ < 10 && console.error(line.slice(0, 1000)));
  createInterface(child.stderr).on('line', fail);
  // Log entries only; the start message is skipped.
  createInterface(child.stdout).on('line', (line) => line.startsWith('{') && fail(line));
  return track(child);
}

export async function startRelay(env: NodeJS.ProcessEnv = {}, flags = NODE_FLAGS): Promise<Running> {
  const child = forkBench('relay.js', [], { execArgv: flags, env });
  const [port] = (await once(child, 'message')) as [number];
  return { url: `http://127.0.0.1:${port}`, pid: child.pid!, stop: () => stop(child) };
}

export interface Driver {
  open(order: Omit<Extract<Order, { do: 'open' }>, 'do'>): Promise<void>;
  run(target: string, seconds: number): Promise<Round>;
  check(target: string): Promise<Findings>;
  stop(): Promise<void>;
}

/** Sends orders to a child process and waits for its answers. */
export function asking<Order extends object, Answer extends object>(child: ChildProcess) {
  const dead = died(child);
  dead.catch(() => {}); // it also ends after a normal stop
  return async <T extends Answer>(order: Order): Promise<T> => {
    child.send(order);
    const [answer] = (await Promise.race([once(child, 'message'), dead])) as [Answer];
    if ('failed' in answer) throw new Error(String(answer.failed));
    return answer as T;
  };
}

export function startDriver(): Driver {
  const child = forkBench('driver.js');
  const ask = asking<Order, Answer>(child);
  return {
    open: async (order) => void (await ask({ do: 'open', ...order })),
    run: async (target, seconds) => (await ask<{ round: Round }>({ do: 'run', target, seconds })).round,
    check: async (target) => (await ask<{ findings: Findings }>({ do: 'check', target })).findings,
    stop: () => stop(child),
  };
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const patience = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await gone;
  clearTimeout(patience);
}

export function forkBench(
  script: string,
  args: string[] = [],
  { env, ...options }: Pick<ForkOptions, 'execArgv' | 'env'> = {},
): ChildProcess {
  // Advanced serialization keeps maps and typed arrays; JSON does not.
  const path = fileURLToPath(new URL(script, import.meta.url));
  const settings = { ...process.env, NODE_ENV: 'production', ...env };
  return track(fork(path, args, { serialization: 'advanced', env: settings, ...options }));
}

/** Ends the child with this process, however this process ends. */
export function track(child: ChildProcess): ChildProcess {
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

async function died(child: ChildProcess): Promise<never> {
  const [code, signal] = await once(child, 'exit');
  throw new Error(`the driver ended early (${signal ?? code})`);
}
