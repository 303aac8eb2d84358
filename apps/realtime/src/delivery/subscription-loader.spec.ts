import { chatRoom } from '#platform';
import { setTimeout as sleep } from 'node:timers/promises';
import { presenceAudience } from './subscription-loader.js';

it('finds the audience of a user with very many chats before the test times out', async () => {
  const seen = Array.from({ length: 50_000 }, (_, i) => chatRoom(`${i}`));
  const unseen = seen.map((room) => `${room}-unseen`);
  expect(presenceAudience([...seen, ...unseen], { unseen: new Set(unseen) })).toEqual(seen);
  // Jest ends a test that took too long between turns of the event loop.
  await sleep(1);
});
