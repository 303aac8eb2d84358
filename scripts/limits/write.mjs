/** npm run docs:limits: writes docs/limits.md. */
import { writeFile } from 'node:fs/promises';
import { LIMITS_PAGE, limitsPage } from './page.mjs';
import { prepare } from '../prepare.mjs';

await prepare();
await writeFile(LIMITS_PAGE, await limitsPage());
