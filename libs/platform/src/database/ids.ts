import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';
import { sharedNow } from '../redis/clock.js';

const ENTROPY = 16;
const pool = new Uint8Array(ENTROPY * 256);
let used = pool.length;
/** The time of the last id, ms, and its place among those of one time. */
let last = { msecs: 0, seq: 0 };
const MAX_SEQ = 2 ** 32 - 1;

/**
 * A new UUIDv7, greater than all earlier ones of this process, whatever the clock does: lists are in the order of ids. Those
 * of other processes are in order as far as the database's clock is read alike. Made here, so that a row's id is known before it is
 * stored. Randomness is fetched for 256 ids at a time: fetching it is most of the cost of one.
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

/** Of two processes' ids of one millisecond, neither is always the first. Half of all numbers are left for those to come. */
const firstSeq = (random: Uint8Array) => new DataView(random.buffer, random.byteOffset).getUint32(0) >>> 1;
