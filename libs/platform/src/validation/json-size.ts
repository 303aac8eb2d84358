import { AppError } from '#contracts';
import { BEFORE_SIGN_IN } from '../limits/budgets/index.js';

/** Estimated memory of a value besides its text, bytes: `{}` takes 56, and 8 in its list. */
const VALUE_BYTES = 64;
/** Shorter JSON cannot have too many values, and takes little memory. Characters. */
const SHORT = 512;
const [QUOTE, COMMA, BACKSLASH, LIST, OBJECT] = [34, 44, 92, 91, 123];

/** The approximate number of values in JSON: commas, lists and objects outside of strings. */
function countValues(json: string): number {
  let count = 0;
  for (let i = 0; i < json.length; i++) {
    const character = json.charCodeAt(i);
    if (character === QUOTE) i = endOfText(json, i);
    else if (character === COMMA || character === LIST || character === OBJECT) count++;
  }
  return count;
}

function endOfText(json: string, start: number): number {
  let end = start;
  for (;;) {
    end = json.indexOf('"', end + 1);
    if (end < 0) return json.length;
    let before = end;
    while (json.charCodeAt(before - 1) === BACKSLASH) before--;
    if ((end - before) % 2 === 0) return end;
  }
}

/**
 * The approximate memory of JSON after parsing, bytes. 64 KiB of `{},{},…` take 1.4 MB.
 * @throws AppError INVALID_DATA (when it has too many values)
 */
export function parsedSize(json: string): number {
  if (json.length < SHORT) return json.length;
  const values = countValues(json);
  const { most } = BEFORE_SIGN_IN.values;
  if (values > most) throw new AppError('INVALID_DATA', `Payload exceeds ${most} values`);
  return json.length + VALUE_BYTES * values;
}
