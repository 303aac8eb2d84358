import { Metrics } from '#platform';
import { TestApp } from '#testing';
import { get } from 'node:http';

/** In a second. */
const LIMIT = 5;

let app: TestApp;
beforeAll(async () => (app = await TestApp.start({ CONNECTIONS_PER_ADDRESS: String(10 * LIMIT) })));
afterAll(() => app.stop());

/** A request on a connection of its own. Linux has all addresses of 127.0.0.0/8. @returns 0 without an answer */
const ask = (localAddress: string) =>
  new Promise<number>((resolve) => {
    get(`${app.url}/health/live`, { agent: false, localAddress }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode!));
    }).once('error', () => resolve(0));
  });

it('an address that connects again and again is refused, and others are not', async () => {
  const answers = [];
  for (let i = 0; i < 20 * LIMIT; i++) answers.push(await ask('127.0.0.2'));
  expect(await ask('127.0.0.3')).toBe(200);
  expect(answers.slice(0, LIMIT)).toEqual(Array(LIMIT).fill(200));
  expect(answers).toContain(0);
  const { values } = await app.app.get(Metrics).refused.get();
  const closed = values.find(({ labels }) => labels.budget === 'newConnections')?.value;
  expect(closed).toBe(answers.filter((status) => status === 0).length);
});
