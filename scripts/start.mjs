/** npm start: the whole program in this process, which also handles the signals that end it. */
import { prepare } from './prepare.mjs';

await prepare();
await import('../dist/apps/standalone/src/main.js');
