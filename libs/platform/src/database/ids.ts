import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';
import { sharedNow } from '../redis/clock.js';

const ENTROPY = 16;
const pool = new Uint8Array(ENTROPY * 256);
let used = pool.length;
/** The time of the last id, ms, and its number among the ids of that time. */
let last = { msecs: 0, seq: 0 };
const MAX_SEQ = 2 ** 32 - 1;

/**
 * A new UUIDv7, greater than all earlier ones of this process, even if the clock moves back: lists are in the order of
 * ids. Ids of different processes are ordered as precisely as the processes know the database's clock. Ids are created
 * here, so that a row's id is known before it is stored. Random bytes are fetched for 256 ids at a time, since fetching
 * them is most of the cost.
 */
export function newId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const random = pool.subarray(used, (used += ENTROPY));
  const msecs = sharedNow();
  if (msecs > last.msecs) last = { msecs, seq: firstSeq(random) };
  else if (last.seq < MAX_SEQ) last.seq += 1;
  else last = { msecs: last.msecs + 1, seq: 0 };
  return v7({ random, ...last });
}

/**
 * A random start, so that of two processes' ids of one millisecond, neither is always first. It is in the lower half of
 * the range, so numbers remain for further ids.
 */
const firstSeq = (random: Uint8Array) => new DataView(random.buffer, random.byteOffset).getUint32(0) >>> 1;
