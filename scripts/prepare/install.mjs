import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, root, run } from './run.mjs';

/** When no package has arrived after this time, there is no network, ms. npm itself would try for minutes. */
const FIRST_PACKAGE_MS = 20_000;
/** How often progress is shown where a line cannot be overwritten, ms. */
const PROGRESS_MS = 10_000;

/** Installs the packages of package-lock.json, unless they are installed. */
export async function install() {
  const wanted = packagesOf('package-lock.json');
  if (isInstalled(wanted)) return;
  // The npm that runs this script, otherwise the one on the PATH.
  const npm = process.env.npm_execpath?.endsWith('.js')
    ? [process.execPath, process.env.npm_execpath]
    : ['npm'];
  // No package here needs its install script, and some scripts download files.
  const options = ['--ignore-scripts', '--include=dev', '--no-audit', '--no-fund', '--loglevel=http'];

  const progress = new Progress(Object.values(wanted).filter(isForThisMachine).length);
  const network = new AbortController();
  const timer = setTimeout(() => network.abort(), FIRST_PACKAGE_MS);
  let lost;
  const onLine = (line) => {
    lost ??= /^npm http fetch GET (\S+) attempt 1 failed with (\w+)/.exec(line);
    if (!/^npm http (fetch GET 200|cache) /.test(line)) return;
    clearTimeout(timer);
    if (line.includes('.tgz')) progress.add();
  };
  const { code, output } = await run([...npm, 'ci', ...options], { onLine, stopped: network.signal });
  clearTimeout(timer);
  progress.end();
  if (network.signal.aborted) fail(`The packages cannot be installed, because ${reason(lost)}.`);
  if (code === 0) return;
  console.error(output.filter((line) => !/^npm (http|warn) /.test(line)).join('\n'));
  fail('The packages cannot be installed: npm ci failed.');
}

const reason = (lost) =>
  lost ? `${new URL(lost[1]).host} cannot be reached (${lost[2]})` : 'the package registry does not answer';

const packagesOf = (file) => JSON.parse(readFileSync(join(root, file), 'utf8')).packages;

/** npm records the installed packages at the end, so this also detects a developer's own `npm install`. */
function isInstalled(wanted) {
  const record = 'node_modules/.package-lock.json';
  if (!existsSync(join(root, record))) return false;
  const installed = packagesOf(record);
  return Object.entries(wanted).every(
    ([path, { version, integrity, optional }]) =>
      path === '' ||
      (installed[path]
        ? installed[path].version === version && installed[path].integrity === integrity
        : optional),
  );
}

const isForThisMachine = ({ integrity, os, cpu }) =>
  integrity && (os?.includes(process.platform) ?? true) && (cpu?.includes(process.arch) ?? true);

/** Shows how many packages have arrived: in one line of a terminal, elsewhere in a line from time to time. */
class Progress {
  #total;
  #done = 0;
  #shownAt = performance.now();

  constructor(total) {
    this.#total = total;
    process.stdout.write(process.stdout.isTTY ? 'Installing packages…' : 'Installing packages…\n');
  }

  add() {
    this.#done += 1;
    const text = `Installing packages… ${this.#done} of ${this.#total}`;
    if (process.stdout.isTTY) return process.stdout.write(`\r${text}`);
    if (performance.now() - this.#shownAt < PROGRESS_MS) return;
    this.#shownAt = performance.now();
    console.log(text);
  }

  end() {
    if (process.stdout.isTTY) process.stdout.write('\n');
  }
}
