import { runAlone } from '#platform';
import { WorkerModule } from './worker.module.js';

/** Runs background work alone; its port serves health and metrics. */
await runAlone(WorkerModule);
