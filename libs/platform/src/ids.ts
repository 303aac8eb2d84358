import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const ENTROPY = 16;
const pool = new Uint8Array(ENTROPY * 256);
let used = pool.length;

/**
 * A new UUIDv7: made here, so that a row's id is known before it is stored. Randomness is fetched for 256 ids at
 * a time: fetching it is most of the cost of one.
 */
export function newId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  return v7({ random: pool.subarray(used, (used += ENTROPY)) });
}
