import { renameSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Loaded into a server before its own code: on SIGUSR2 it collects what nobody needs any more, and notes what is left. */

export interface Collected {
  /** Bytes. */
  resident: number;
  /** Microseconds that the process has used so far. */
  cpu: number;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (how: object) => void;
process.on('SIGUSR2', () => {
  const { user, system } = process.cpuUsage();
  // As thoroughly as when memory runs out: pages that are hardly used are given back, too.
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  const note: Collected = { resident: process.memoryUsage.rss(), cpu: user + system };
  const file = process.env.COLLECTED!;
  // Under its name it is complete.
  writeFileSync(`${file}.new`, JSON.stringify(note));
  renameSync(`${file}.new`, file);
});
