import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A program that ignores SIGTERM is killed after this time, ms. */
const STOP_MS = 2000;

/**
 * Runs a program to its end. A signal to this process ends the program first.
 * @param onLine receives each line of its output
 * @param stopped ends it when aborted
 * @returns its exit code and the lines of its output
 */
export async function run([file, ...args], { env = {}, onLine = () => undefined, stopped } = {}) {
  const child = spawn(file, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl-C in a terminal goes only to this process, which ends the program and waits for it.
    detached: true,
  });
  const stop = () => {
    child.kill();
    setTimeout(() => child.kill('SIGKILL'), STOP_MS).unref();
  };
  let signal;
  const interrupt = (name) => {
    signal ??= name;
    stop();
  };
  const output = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface(stream).on('line', (line) => {
      output.push(line);
      onLine(line);
    });
  stopped?.addEventListener('abort', stop);
  for (const name of ['SIGINT', 'SIGTERM']) process.on(name, interrupt);
  const code = await new Promise((resolve) => {
    child.once('error', ({ message }) => {
      output.push(message);
      resolve(1);
    });
    child.once('close', resolve);
  });
  for (const name of ['SIGINT', 'SIGTERM']) process.removeListener(name, interrupt);
  if (signal) process.exit(128 + constants.signals[signal]);
  return { code, output };
}

export function fail(message) {
  console.error(message);
  process.exit(1);
}
