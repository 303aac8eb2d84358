import type { TestApp } from '#testing';
import fc from 'fast-check';
import { specifiedMessages } from '../specified-messages.js';
import type { Row } from './access-table.js';
import { databaseDigest, databaseDigestAtRest } from './database-digest.js';
import { mutationsOf } from './mutations.js';
import { Scenario } from './scenario.js';

/**
 * A fixed seed, so that a change is judged by the same cases. Without the seed the cases differ, and a failing one is
 * printed with its `seed` and `path`.
 */
export const RUNS = { numRuns: 25, seed: 1428655571, endOnFailure: true };

type Sender = 'owner' | 'member' | 'admin';
/** Sends a payload. Returns undefined when it was accepted, else the refusal. */
export type Send = (payload: unknown) => Promise<string | undefined>;
/** Prepares a person of a scenario for sending. */
export type Ready = (scenario: Scenario, who: Sender) => Promise<Send> | Send;

/**
 * Checks that any change of a good payload is answered, never with INTERNAL, and that a refusal stores nothing. The
 * good payload itself must be accepted, or the refusals would have another reason.
 */
export async function holds(app: TestApp, [access, body]: Row, ready: Ready): Promise<void> {
  const scenario = await Scenario.create(app);
  const sample = JSON.parse(await scenario.fill(JSON.stringify(body))) as object;
  const who = (['owner', 'member', 'admin'] as const).find((one) => access[one] === 'ok')!;
  const send = await ready(scenario, who);
  let stored = await databaseDigestAtRest(app, 5);
  const outcomes = { accepted: 0, refused: 0 };
  const property = fc.asyncProperty(mutationsOf(sample), async (payload) => {
    const refusal = await send(payload);
    expect(['INTERNAL', 'UNAVAILABLE', 'Internal error']).not.toContain(refusal);
    outcomes[refusal === undefined ? 'accepted' : 'refused']++;
    // Or the consequences in the worker would count for the next payload.
    if (refusal === undefined) stored = await databaseDigestAtRest(app, 5);
    else expect(await databaseDigest(app)).toEqual(stored);
  });
  await fc.assert(property, { ...RUNS, examples: [[sample]] });
  // Without an accepted payload it would prove nothing.
  expect([outcomes, Object.values(outcomes).includes(0)]).toEqual([outcomes, false]);
}

export const withBodies = (rows: Record<string, Row>): (readonly [name: string, row: Row])[] =>
  Object.entries(rows).filter(([, [, body]]) => body);

const IDS: Record<string, string> = { profile_share: '{target}', post_share: '{post}' };

/** The eight message types, as in the specification. */
export const MESSAGES = Object.entries(specifiedMessages('{service}')).map(([type, sample]) => {
  const more = { type, client_id: 'once', reply_to: '{message}' };
  return [type, { metadata: {}, ...sample, ...more, ...(IDS[type] && { content: IDS[type] }) }] as const;
});
