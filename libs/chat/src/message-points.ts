/** A text of so many bytes counts as one message more: each device that is shown it is sent all of it. */
const COUNTED_BYTES = 2048;
/** UTF-16 units, which have three bytes at most. */
const SURELY_SHORT = COUNTED_BYTES / 3;

/** How many messages more a text of `bytes` bytes counts as, against the limit of messages. */
export const pointsOfSize = (bytes: number): number => Math.floor(bytes / COUNTED_BYTES);

export const pointsOfText = (text: string): number =>
  text.length < SURELY_SHORT ? 0 : pointsOfSize(Buffer.byteLength(text));
