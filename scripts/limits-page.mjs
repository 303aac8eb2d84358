/** docs/limits.md, made from the budgets that the code uses. */
import { resolveConfig, format } from 'prettier';
import { join } from 'node:path';
import { root } from './prepare.mjs';

export const LIMITS_PAGE = join(root, 'docs', 'limits.md');

const HEAD = `# Limits

For each thing that a client can make a process hold or do: how much of it there may be, and the answer beyond that.
All nodes together count a rate. A label alone is one of \`budget_refusals_total{budget=…}\`.
\`npm run docs:limits\` makes this page from \`libs/platform/src/budgets\`.

An IPv6 /64 is one address. A /56 may have four times as much as an address, and a /48 sixteen times: of connections,
handshakes, requests in work, passwords that wait, wrong sign-ins of strangers, new accounts, and refresh tokens that are none.
An IPv4 address is counted by itself: those beside it are other subscribers’. Of handshakes, requests in work and passwords
that wait, no network gets more than it leaves for all others. So networks that hold much are refused before those that hold little.`;

export async function limitsPage() {
  const { SECTIONS } = await import('../dist/libs/platform/src/budgets/index.js');
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
