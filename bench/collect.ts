import { Session } from 'node:inspector/promises';
import { renameSync, writeFileSync } from 'node:fs';

/** Loaded into a server before its own code: on SIGUSR2 it collects what nobody needs any more, and notes what is left. */

export interface Collected {
  /** Bytes. */
  resident: number;
  /** Microseconds that the process has used so far. */
  cpu: number;
}

process.on('SIGUSR2', () => {
  const { user, system } = process.cpuUsage();
  void collectAll().then(() => {
    const note: Collected = { resident: process.memoryUsage.rss(), cpu: user + system };
    const file = process.env.COLLECTED!;
    // Under its name it is complete.
    writeFileSync(`${file}.new`, JSON.stringify(note));
    renameSync(`${file}.new`, file);
  });
});

/** As thoroughly as when memory runs out, which `gc()` is not: of 20 KiB a connection it has left 10 that nothing held. */
async function collectAll(): Promise<void> {
  const session = new Session();
  session.connect();
  await session.post('HeapProfiler.collectGarbage');
  session.disconnect();
}
