import { runAlone } from '#platform';
import { WorkerModule } from './worker.module.js';

/** Background work alone; its port serves health and metrics. */
await runAlone(WorkerModule);
