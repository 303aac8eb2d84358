import { setPriority } from 'node:os';
import { Tally, type Scene } from './attack.js';
import { attacks } from './index.js';

/** A process that attacks, and tells what became of it. */

export interface AttackOrder {
  name: string;
  scene: Scene;
  seconds: number;
}
export type Attacked = Pick<Tally, 'made' | 'refused'>;

// As if it were another machine: the server's processor time is not to be the attacker's.
setPriority(10);
// Connections that the server closes while something is written to them.
process.on('uncaughtException', (error: NodeJS.ErrnoException) => {
  if (!['ECONNRESET', 'EPIPE'].includes(error.code ?? '')) throw error;
});

process.on('message', ({ name, scene, seconds }: AttackOrder) => {
  const tally = new Tally();
  const end = performance.now() + seconds * 1000;
  const attack = attacks.find((one) => one.name === name)!;
  attack
    .run(scene, tally, () => performance.now() > end)
    .then(
      () => process.send!({ made: tally.made, refused: tally.refused } satisfies Attacked),
      (error: unknown) => process.send!({ failed: String(error) }),
    );
});
process.on('disconnect', () => process.exit());
