/** npm run repl: a prompt with the services, commands and queries of the server. */
import { prepare } from './prepare.mjs';

await prepare();
await import('../dist/apps/standalone/src/repl.js');
