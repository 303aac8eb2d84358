/** Draws a chat between two people as both screens side by side. */
import { setTimeout as sleep } from 'node:timers/promises';

const COLUMN = 42;
const watched = Boolean(process.stdout.isTTY) && process.env.TERM !== 'dumb';
const coloured = watched && !process.env.NO_COLOR;
const CODES = { bold: '1', dim: '2', red: '31', green: '32', blue: '94' };

/** True while the last line may still grow: receipts are appended to it. */
let open = false;

export const paint = (style, text) => (coloured ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text);

/** A pause for people who watch; none in a pipe. */
export const pause = (ms) => (watched ? sleep(ms) : undefined);

function closeLine() {
  if (open) process.stdout.write('\n');
  open = false;
}

export function line(text = '') {
  closeLine();
  process.stdout.write(`${text.trimEnd()}\n`);
}

export const scene = (text) =>
  line(`\n${paint('bold', `── ${text} `)}${paint('dim', '─'.repeat(78 - text.length))}`);

export const heads = (left, right) =>
  line(`\n  ${paint('bold', left.padEnd(COLUMN))}${paint('bold', right)}`);

const indent = (side) => ' '.repeat(side === 'left' ? 2 : COLUMN + 2);

/** A status line of a phone. */
export const note = (side, text) => line(indent(side) + paint('dim', text));

/** Draws a bubble; its last line stays open for `tick`. */
export function bubble(side, text) {
  const bar = indent(side) + paint(side === 'left' ? 'green' : 'blue', '┃ ');
  for (const row of wrapped(text)) line(bar + row);
  const now = new Date().toTimeString().slice(0, 5);
  process.stdout.write(bar + paint('dim', now));
  open = true;
}

export function tick(text, style = 'dim') {
  process.stdout.write(`  ${paint(style, text)}`);
  open = true;
}

/** Shows a temporary line, where the terminal can remove it. */
export async function whileShown(side, text, ms) {
  closeLine();
  process.stdout.write(indent(side) + paint('dim', text));
  open = true;
  await pause(ms);
  if (!watched) return;
  process.stdout.write('\r\u001b[2K');
  open = false;
}

function wrapped(text) {
  const rows = [];
  for (const paragraph of text.split('\n')) {
    let row = '';
    for (const word of paragraph.split(' ')) {
      if (row && row.length + word.length + 1 > COLUMN - 5) {
        rows.push(row);
        row = '';
      }
      row += (row && ' ') + word;
    }
    rows.push(row);
  }
  return rows;
}

/** A message as text; `author` is the user of a shared profile. */
export function described({ type, content, metadata = {} }, author) {
  const file = content.split('/').at(-1);
  switch (type) {
    case 'photo':
      return `[photo] ${file}, ${metadata.width} × ${metadata.height}`;
    case 'video':
      return `[video] ${file}, ${metadata.duration} s`;
    case 'voice':
      return `[voice] ▶ ▁▃▅▂▆▃▁▂ 0:${metadata.duration}`;
    case 'location':
      return `[location] ${metadata.address}`;
    case 'profile_share':
      return `[profile] ${author}`;
    case 'post_share':
      return '[post] Before and after';
    case 'booking_proposal':
      return `[booking] ${content}`;
    default:
      return content;
  }
}

export function short(text) {
  return text.length > 20 ? `${text.slice(0, 20).trimEnd()}…` : text;
}
