import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack, Scene } from './attack.js';
import { addressOf, Client, flood, hold, tcp } from './client.js';
import { longChat } from './seed.js';

/** These attacks make the database search, or the process build large answers. */

const TEXT = encodeURIComponent;
/** One client per attacker, with its own address. */
const clientsOf = ({ api, attackers }: Scene) => attackers.map((_, i) => new Client(api, addressOf(i)));

export const readFlood: Attack = {
  name: 'reads',
  what: 'reads by 3 users, 60 at once',
  run: async (scene, tally, isOver) => {
    const clients = clientsOf(scene);
    const paths = [
      '/docs-json',
      `users?query=${TEXT('анна')}&limit=200`,
      'services?limit=200',
      'chats?limit=200',
      'feed?limit=200',
      '/metrics',
      'sync',
    ];
    await flood(60, 40_000, isOver, async (i) => {
      const { token } = scene.attackers[i % 3]!;
      tally.answered(await clients[i % 3]!.ask('GET', paths[i % paths.length]!, { token }));
    });
  },
};

const NEARLY = 'абвгдежзик'.repeat(9);

export const searchFlood: Attack<void> = {
  name: 'searches',
  what: 'costly searches by 3 users, 60 at once',
  prepare: (db, { group, attackers }) => longChat(db, group, attackers[0]!.id, 'абвгдежзик', 10_000),
  run: async (scene, tally, isOver) => {
    const clients = clientsOf(scene);
    const paths = [
      `chats/${scene.group}/messages/search?query=${TEXT(`${NEARLY}я`)}`,
      `services?query=${TEXT('ю')}`,
      `users?query=${TEXT('ва')}&limit=200`,
      `services?query=${TEXT('zz')}`,
    ];
    await flood(60, 40_000, isOver, async (i) => {
      const { token } = scene.attackers[i % 3]!;
      tally.answered(await clients[i % 3]!.ask('GET', paths[i % paths.length]!, { token }));
    });
  },
};

const largeHistory = (group: string) => `chats/${group}/messages?limit=200`;

export const largePages: Attack<void> = {
  name: 'large-pages',
  what: 'pages of 1 MB by 10 users, 50 at once',
  prepare: (db, { group, attackers }) => longChat(db, group, attackers[0]!.id, '😀', 300),
  run: async (scene, tally, isOver) => {
    const clients = clientsOf(scene);
    await flood(50, 20_000, isOver, async (i) => {
      const { token } = scene.attackers[i % 10]!;
      tally.answered(await clients[i % 10]!.ask('GET', largeHistory(scene.group), { token }));
    });
  },
};

export const unreadAnswers: Attack<void> = {
  name: 'unread-answers',
  what: 'connections of 20 users that read no answer',
  prepare: (db, { group, attackers }) => longChat(db, group, attackers[0]!.id, '😀', 300),
  run: async ({ api, attackers, group }, tally, isOver) => {
    // More than the buffers between the two can take.
    const asked = (token: string) =>
      `GET /api/v2/${largeHistory(group)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`.repeat(
        8,
      );
    await flood(20, 1000, isOver, async (i) => {
      const { token } = attackers[i % attackers.length]!;
      tally.made += 1;
      tcp(api, addressOf(i % attackers.length), asked(token), () => (tally.refused += 1)).pause();
      await sleep(20);
    });
    await hold(isOver);
  },
};
