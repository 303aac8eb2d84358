/** Loads the packages, which takes most of a start. Then it waits until it is its turn to be the server. */
import { readFileSync } from 'node:fs';
import { open } from 'node:inspector';

process.once('disconnect', () => process.exit());
const turn = new Promise((resolve) => process.once('message', resolve));
const { dependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
// Some packages have no main module.
await Promise.allSettled(Object.keys(dependencies).map((name) => import(name)));
const { isInspected } = await turn;
if (isInspected) open();
await import('../../dist/apps/standalone/src/dev-server.js');
