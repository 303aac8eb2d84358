import { existsSync, readFileSync } from 'node:fs';

const guide = readFileSync('CONTRIBUTING.md', 'utf8');
const scripts = Object.keys(
  (JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }).scripts,
);
/** Files that the walked-through changes create. */
const NEW = new Set(['apps/realtime/src/events/members.gateway.ts']);
const found = (pattern: RegExp) => [...new Set([...guide.matchAll(pattern)].map(([, name]) => name!))];

it.each(
  found(/`((?:apps|libs|test|prisma|scripts|\.vscode|\.ci)\/[\w./-]+)`/g).filter((path) => !NEW.has(path)),
)('CONTRIBUTING.md names %s, which exists', (path) => {
  expect(existsSync(path)).toBe(true);
});

it.each(found(/npm run ([\w:]+)/g))('CONTRIBUTING.md names npm run %s, which exists', (name) => {
  expect(scripts).toContain(name);
});
