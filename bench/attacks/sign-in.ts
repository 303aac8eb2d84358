import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from './attack.js';
import { addressOf, Client, flood, post, tcp } from './client.js';

/** Each of these requests makes the server hash a password. */

const clientsOf = (api: string, count: number) =>
  Array.from({ length: count }, (_, i) => new Client(api, addressOf(i)));

/** Half of the clients disconnect before the answer. */
export const signIns: Attack = {
  name: 'sign-ins',
  what: 'sign-ins of unknown accounts',
  onSignIn: true,
  run: async ({ api }, tally, isOver) => {
    const clients = clientsOf(api, 30);
    const run = Date.now();
    await flood(60, 20_000, isOver, async (i) => {
      const body = { email: `nobody${run}-${i}@bench.invalid`, password: 'Password1' };
      if (i % 2) {
        tally.answered(await clients[i % 30]!.ask('POST', 'auth/login', { body }));
        return;
      }
      const text = JSON.stringify(body);
      const socket = tcp(api, addressOf(i % 30), post('/api/v2/auth/login', text.length) + text, () => {});
      tally.made += 1;
      await sleep(100);
      socket.destroy();
    });
  },
};

export const guesses: Attack<string> = {
  name: 'guesses',
  what: 'guesses of passwords, from 200 addresses',
  onSignIn: true,
  prepare: (_db, _scene, { emails }) => Promise.resolve(emails[0]!),
  run: async ({ api, data: victim }, tally, isOver) => {
    const clients = clientsOf(api, 200);
    await flood(40, 20_000, isOver, async (i) => {
      // One account from many addresses, and many accounts from one address.
      const [email, client] = i % 2 ? [victim, clients[i % 200]!] : [`user${i}@bench.invalid`, clients[0]!];
      const body = { email, password: `guess number ${i}` };
      tally.answered(await client.ask('POST', 'auth/login', { body }));
    });
  },
};

export const registrations: Attack = {
  name: 'registrations',
  what: 'registrations, from 10 addresses',
  onSignIn: true,
  run: async ({ api }, tally, isOver) => {
    const clients = clientsOf(api, 10);
    const run = Date.now();
    await flood(40, 20_000, isOver, async (i) => {
      const body = { email: `new${run}-${i}@bench.invalid`, password: 'correct horse battery', name: 'New' };
      tally.answered(await clients[i % 10]!.ask('POST', 'auth/register', { body }));
    });
  },
};
