/** Generates docs/limits.md from the budgets in the code. */
import { resolveConfig, format } from 'prettier';
import { join } from 'node:path';
import { root } from '../prepare.mjs';

export const LIMITS_PAGE = join(root, 'docs', 'limits.md');

const HEAD = `# Limits

Each budget limits the memory or the work that clients can demand. The tables have the limits and the answers beyond them.
All nodes together count a rate. A bare label in the last column is one of \`budget_refusals_total{budget=…}\`.
\`npm run docs:limits\` generates this page from \`libs/platform/src/limits/budgets\`.

An IPv6 /64 counts as one address. A /56 may have four times as much as an address, and a /48 sixteen times. That holds for
connections, handshakes, requests in progress, waiting passwords, failed sign-ins of strangers, registrations, invalid refresh
tokens and files of \`/docs\`. An IPv4 address counts alone, because its neighbours belong to other subscribers.

No network gets more handshakes, requests in progress and waiting passwords than it leaves for all others. So networks with much
use are refused before those with little.`;

export async function limitsPage() {
  const { SECTIONS } = await import('../../dist/libs/platform/src/limits/budgets/index.js');
  const sections = SECTIONS.flatMap(({ title, before, budgets, after }) => [
    `## ${title}`,
    before,
    table(budgets),
    after,
  ]);
  const text = [HEAD, ...sections].filter(Boolean).join('\n\n');
  return format(text, { ...(await resolveConfig(LIMITS_PAGE)), parser: 'markdown' });
}

function table(budgets) {
  const rows = Object.entries(budgets).map(
    ([name, { of, shown, setting, beyond, refused, metric, points }]) => {
      const label = refused ?? (points && name);
      return [of, shown, setting, beyond, metric ? `\`${metric}\`` : label ? `\`${label}\`` : ''];
    },
  );
  const head = ['budget', 'default', 'setting', 'beyond it', 'metric or label'];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
