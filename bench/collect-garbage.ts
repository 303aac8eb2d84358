import { Session } from 'node:inspector/promises';
import { renameSync, writeFileSync } from 'node:fs';

/** Loaded into a server before its own code. On SIGUSR2 it collects garbage and records the remaining memory. */

export interface Collected {
  /** In bytes. */
  resident: number;
  /** CPU time of the process so far, microseconds. */
  cpu: number;
}

process.on('SIGUSR2', () => {
  const { user, system } = process.cpuUsage();
  void collectAll().then(() => {
    const note: Collected = { resident: process.memoryUsage.rss(), cpu: user + system };
    const file = process.env.COLLECTED!;
    // Renamed when complete, so that a reader never sees a partial file.
    writeFileSync(`${file}.new`, JSON.stringify(note));
    renameSync(`${file}.new`, file);
  });
});

/**
 * Collects as thoroughly as V8 does when memory runs out. `gc()` does not: of 20 KiB per connection, it left 10
 * unreachable.
 */
async function collectAll(): Promise<void> {
  const session = new Session();
  session.connect();
  await session.post('HeapProfiler.collectGarbage');
  session.disconnect();
}
