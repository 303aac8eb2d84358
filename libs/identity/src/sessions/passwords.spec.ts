import { AppError } from '#contracts';
import { Metrics } from '#platform';
import { hash } from '@node-rs/argon2';
import { Passwords, type Applicant } from './passwords.js';

const range = (length: number) => Array.from({ length }, (_, i) => i);
const PASSWORD = 'correct horse battery';

let stored: string;
let passwords: Passwords;
let done: string[];
// A cheap hash: the order and the number of the verifications do not depend on their cost.
beforeAll(async () => (stored = await hash(PASSWORD, { memoryCost: 512, timeCost: 1 })));
beforeEach(() => {
  passwords = new Passwords(new Metrics());
  done = [];
});

const verify = (network: string, more: Partial<Applicant> = {}) =>
  passwords.verify(stored, PASSWORD, { standing: 'stranger', network, ...more }).then(
    (matches) => {
      done.push(network);
      return matches;
    },
    (error: unknown) => {
      if (error instanceof AppError) return error;
      throw error;
    },
  );

it('verifies passwords from known networks before those from unknown ones', async () => {
  const strangers = range(12).map((i) => verify(`stranger ${i % 3}`));
  expect(await verify('home', { standing: 'known' })).toBe(true);
  // Except for those that were running already.
  expect(done.indexOf('home')).toBeLessThanOrEqual(3);
  expect(await Promise.all(strangers)).toEqual(range(12).map(() => true));
});

it('refuses too many of one network and of all at once; known networks have a queue of their own', async () => {
  const ofOne = range(30).map(() => verify('flood'));
  const ofMany = range(80).map((i) => verify(`flood ${i}`));
  expect(await verify('home', { standing: 'known' })).toBe(true);
  const [one, many] = [await Promise.all(ofOne), await Promise.all(ofMany)];
  expect(one.filter((answer) => answer === true).length).toBeLessThan(20);
  expect(many.filter((answer) => answer === true).length).toBeGreaterThan(40);
  const refused = [...one, ...many].filter((answer) => answer instanceof AppError);
  expect(refused.length).toBeGreaterThan(30);
  for (const { code, retryAfterMs } of refused) expect([code, retryAfterMs]).toEqual(['UNAVAILABLE', 1000]);
});

it('does not hash for disconnected clients, and gives their places to others', async () => {
  const leaving = range(60).map(() => new AbortController());
  const given = leaving.map(({ signal }, i) => verify(`gone ${i}`, { gone: signal }));
  for (const one of leaving) one.abort();
  const others = range(50).map((i) => verify(`here ${i}`));
  expect(await Promise.all(others)).toEqual(range(50).map(() => true));
  await Promise.all(given);
  expect(done.filter((network) => network.startsWith('gone')).length).toBeLessThanOrEqual(3);
  expect(await verify('gone', { gone: leaving[0]!.signal })).toMatchObject({ code: 'INVALID_DATA' });
});

it('refuses too many of known networks, too', async () => {
  const known = (network: string) => verify(network, { standing: 'known' });
  const ofOne = await Promise.all(range(50).map(() => known('home')));
  expect(ofOne.filter((answer) => answer === true).length).toBeLessThan(36);
  const ofMany = await Promise.all(range(150).map((i) => known(`home ${i}`)));
  expect(ofMany.filter((answer) => answer === true).length).toBeLessThan(132);
});
