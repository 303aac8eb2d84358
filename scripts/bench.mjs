// `npm run bench -- <name>`: builds what is needed and runs dist/bench/<name>.js.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const benches = {
  attacks: 'honest users beside each attack, in both sizes: their latency, and the memory of the system',
  'attacks <name>': 'the same of one attack',
  assistant: "200 answers at once through the system beside the model's own streams: how late each token is",
  chat: 'messages through the system beside a bare Socket.IO relay: throughput, latency, and that none is lost',
  'chat relay': "the same with a relay in place of the system: what this machine's noise is worth",
  'chat <folder>':
    'the same with the system of another prepared checkout in place of the relay: what a change costs',
  cluster: 'two realtime nodes beside one: throughput, what a send costs them, and that none is lost',
  compression: 'what compressing answers and frames saves in bytes, and costs in CPU and memory',
  notifications:
    'an announcement to 10,000 people beside BullMQ with one job each: rows a second, and when it is heard',
  storm: '10,000 devices sign in at once, beside a bare Socket.IO server: how fast, and the memory of each',
  scale: 'a send and a page of history in a chat of 10 thousand and in one of 2 million messages',
};

const [name, ...rest] = process.argv.slice(2);
if (!name || !Object.hasOwn(benches, name)) {
  console.log('npm run bench -- <name>\n');
  for (const [known, what] of Object.entries(benches)) console.log(`  ${known.padEnd(14)} ${what}`);
  process.exit(name ? 1 : 0);
}

// Only here: the list above needs no packages.
const { prepare } = await import('./prepare.mjs');
await prepare();
const script = fileURLToPath(new URL(`../dist/bench/${name}.js`, import.meta.url));
process.exit(spawnSync(process.execPath, [script, ...rest], { stdio: 'inherit' }).status ?? 1);
