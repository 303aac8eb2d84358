import { WORK } from '#platform';

/** So many bytes of a message count as one message more: each device that is shown it is sent all of it. */
const COUNTED_BYTES = 2048;
/** UTF-16 units, which have three bytes at most. */
const SHORT_FOR_SURE = COUNTED_BYTES / 3;

/** How many messages more a message of `bytes` bytes counts as, against the limit of messages. */
export const pointsOfSize = (bytes: number): number => Math.floor(bytes / COUNTED_BYTES);

export function pointsOf(text: string, metadata?: object | null): number {
  const all = metadata ? text + JSON.stringify(metadata) : text;
  return all.length < SHORT_FOR_SURE ? 0 : pointsOfSize(Buffer.byteLength(all));
}

/** How many messages more one counts as that so many devices hear: each of them is work. */
export const pointsOfAudience = (devices: number): number => {
  const { free, each } = WORK.audience.most;
  return Math.max(0, Math.floor((devices - free) / each));
};
