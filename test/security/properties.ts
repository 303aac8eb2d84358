import type { TestApp } from '#testing';
import fc from 'fast-check';
import { specifiedMessages } from '../specified-messages.js';
import type { Row } from './access-table.js';
import { everything, everythingAtRest } from './everything.js';
import { mutationsOf } from './mutations.js';
import { World } from './world.js';

/**
 * The same ones each time, so that a change is judged by what it does. Without the seed there are others; what fails then
 * is printed with its `seed` and `path`.
 */
export const RUNS = { numRuns: 25, seed: 1428655571, endOnFailure: true };

type Sender = 'owner' | 'member' | 'admin';
/** Sends a payload; undefined when it was accepted, else what was said. */
export type Send = (payload: unknown) => Promise<string | undefined>;
/** Somebody of a world who is ready to send. */
export type Ready = (world: World, who: Sender) => Promise<Send> | Send;

/**
 * Whatever is made of a good payload is answered, and not with INTERNAL; what is refused leaves nothing behind. The
 * good one itself is accepted, or it would be other refusals that are seen here.
 */
export async function holds(app: TestApp, [access, body]: Row, ready: Ready): Promise<void> {
  const world = await World.create(app);
  const sample = JSON.parse(await world.fill(JSON.stringify(body))) as object;
  const who = (['owner', 'member', 'admin'] as const).find((one) => access[one] === 'ok')!;
  const send = await ready(world, who);
  let stored = await everythingAtRest(app, 5);
  const outcomes = { accepted: 0, refused: 0 };
  const property = fc.asyncProperty(mutationsOf(sample), async (payload) => {
    const refusal = await send(payload);
    expect(['INTERNAL', 'UNAVAILABLE', 'Internal error']).not.toContain(refusal);
    outcomes[refusal === undefined ? 'accepted' : 'refused']++;
    // Or what the worker does for it would be seen after the next one.
    if (refusal === undefined) stored = await everythingAtRest(app, 5);
    else expect(await everything(app)).toEqual(stored);
  });
  await fc.assert(property, { ...RUNS, examples: [[sample]] });
  // Or it would say nothing.
  expect([outcomes, Object.values(outcomes).includes(0)]).toEqual([outcomes, false]);
}

export const withBodies = (rows: Record<string, Row>): (readonly [name: string, row: Row])[] =>
  Object.entries(rows).filter(([, [, body]]) => body);

const IDS: Record<string, string> = { profile_share: '{target}', post_share: '{post}' };

/** The eight types of messages, as the specification has them. */
export const MESSAGES = Object.entries(specifiedMessages('{service}')).map(([type, sample]) => {
  const more = { type, client_id: 'once', reply_to: '{message}' };
  return [type, { metadata: {}, ...sample, ...more, ...(IDS[type] && { content: IDS[type] }) }] as const;
});
