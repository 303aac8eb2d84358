import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Registry, collectDefaultMetrics } from 'prom-client';

/** An operator searches for exactly these words. */
const runbook = readFileSync('docs/runbook.md', 'utf8');
const sources = ['apps', 'libs']
  .flatMap((folder) => readdirSync(folder, { recursive: true }).map((file) => join(folder, String(file))))
  .filter((file) => file.endsWith('.ts') && !/generated|spec\.ts$/.test(file))
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n');
const quoted = [...runbook.matchAll(/`([^`\n]+)`/g)].map(([, words]) => words!);

const registry = new Registry();
collectDefaultMetrics({ register: registry });
const metrics = [
  ...new Set(quoted.join(' ').match(/\b(?:websocket|jobs|node|redis|postgres|nodejs|process)_\w+/g)),
];
const logLines = quoted.filter(
  (words) => /^[A-Za-z][a-zA-Z ,;:-]+ [a-z]+$/.test(words) && !words.startsWith('npm '),
);

it.each(metrics)('%s is a metric', (name) => {
  const own = name.replace(/_bucket$/, '');
  expect(sources.includes(`name: '${own}'`) || registry.getSingleMetric(own) !== undefined).toBe(true);
});

it.each(logLines)('“%s” is logged by a process', (words) => {
  expect(sources).toContain(`'${words}'`);
});

it('the runbook names some metrics and some log lines', () => {
  expect(metrics.length).toBeGreaterThan(8);
  expect(logLines.length).toBeGreaterThan(8);
});
