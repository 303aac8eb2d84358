import { setPriority } from 'node:os';
import { Tally, type Scene } from './attack.js';
import { attacks } from './index.js';

/** A process that runs an attack and reports its result. */

export interface AttackOrder {
  name: string;
  scene: Scene;
  seconds: number;
}
export type Attacked = Pick<Tally, 'made' | 'refused'>;

// Simulates another machine: the attacker must not take processor time from the server.
setPriority(10);
// Ignores connections that the server closes during a write.
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
