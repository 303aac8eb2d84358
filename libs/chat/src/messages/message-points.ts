import { WORK } from '#platform';

/** A message counts as one more per so many bytes: each device receives all of them. */
const COUNTED_BYTES = 2048;
/** UTF-16 units, of three bytes at most. */
const SHORT_FOR_SURE = COUNTED_BYTES / 3;

/** The additional messages that a message of `bytes` bytes counts as, against the limit of messages. */
export const pointsOfSize = (bytes: number): number => Math.floor(bytes / COUNTED_BYTES);

export function pointsOf(text: string, metadata?: object | null): number {
  const all = metadata ? text + JSON.stringify(metadata) : text;
  return all.length < SHORT_FOR_SURE ? 0 : pointsOfSize(Buffer.byteLength(all));
}

/** The additional messages that a message counts as because of its number of receiving devices. */
export const pointsOfAudience = (devices: number): number => {
  const { free, each } = WORK.audience.most;
  return Math.max(0, Math.floor((devices - free) / each));
};
