// `npm run bench -- <name>`: builds what is needed and runs dist/bench/<name>.js.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const benches = {
  attacks: 'honest users beside each attack, in both sizes: their latency, and the memory of the system',
  'attacks <name>': 'the same of one attack',
  assistant: "200 answers at once through the system beside the model's own streams: the delay of each token",
  chat: 'messages through the system beside a bare Socket.IO relay: throughput, latency, lost messages',
  'chat relay': 'the same with a relay in place of the system: the noise of this machine',
  'chat <folder>':
    'the same with the system of another prepared checkout in place of the relay: the cost of a change',
  cluster: 'two realtime nodes beside one: throughput, their cost per send, lost messages',
  compression: 'bytes saved by compression of answers and frames, and its cost in CPU and memory',
  notifications:
    'an announcement to 10,000 people beside BullMQ with one job each: rows a second, and when recipients receive it',
  storm: '10,000 devices sign in at once, beside a bare Socket.IO server: how fast, and the memory of each',
  scale: 'a send and a page of history in a chat of 10 thousand and in one of 2 million messages',
};

const [name, ...rest] = process.argv.slice(2);
if (!name || !Object.hasOwn(benches, name)) {
  console.log('npm run bench -- <name>\n');
  for (const [known, what] of Object.entries(benches)) console.log(`  ${known.padEnd(14)} ${what}`);
  process.exit(name ? 1 : 0);
}

// Imported here, since the list above needs no packages.
const { prepare } = await import('./prepare.mjs');
await prepare();
const script = fileURLToPath(new URL(`../dist/bench/${name}.js`, import.meta.url));
process.exit(spawnSync(process.execPath, [script, ...rest], { stdio: 'inherit' }).status ?? 1);
