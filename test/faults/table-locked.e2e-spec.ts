import { DatabaseSession, ProcessCluster, type AppProcess } from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { expectNothingLost } from './oracle.js';
import { ConversationLoad } from './conversation-load.js';

const LOCKED_MS = 30_000;
/**
 * The longest wait for an answer, ms: three statements of 5 s (cursors, lookup of earlier sends, the send), and a
 * busy machine.
 */
const LIMIT_MS = 17_000;

let cluster: ProcessCluster;
let blocker: DatabaseSession;
beforeAll(async () => {
  cluster = await ProcessCluster.start();
  blocker = await DatabaseSession.at(cluster.databaseUrl);
});
afterAll(async () => {
  await blocker.end();
  await cluster.stop();
});

const health = async ({ url }: AppProcess) =>
  (await Promise.all(['ready', 'live'].map((path) => fetch(`${url}/health/${path}`)))).map(
    ({ status }) => status,
  );

it('a table locked for 30 s: UNAVAILABLE in time, not ready but live, and then everybody goes on', async () => {
  const load = await ConversationLoad.start(cluster);
  await load.more(300);
  await blocker.query('BEGIN');
  await blocker.query('LOCK TABLE messages IN ACCESS EXCLUSIVE MODE');
  const locked = sleep(LOCKED_MS);
  const phone = load.phones[0]!;
  const { chatId } = phone.acked[0]!;
  const refused = cluster.device(phone.account).then(async (device) => {
    const since = performance.now();
    const answer = await device.socket
      .timeout(LIMIT_MS)
      .emitWithAck('chat:message:send', { chat_id: chatId, type: 'text', content: 'while locked' });
    return [(answer as { code: string }).code, performance.now() - since < LIMIT_MS];
  });
  expect(await refused).toEqual(['UNAVAILABLE', true]);
  for (const process of cluster.processes)
    expect([process.name, await health(process)]).toEqual([process.name, [503, 200]]);
  const read = await cluster.request('GET', `chats/${chatId}/messages`, phone.account.token);
  expect([read.status, read.body.code]).toEqual([503, 'UNAVAILABLE']);
  await locked;
  await blocker.query('ROLLBACK');
  await load.more(300);
  for (const process of cluster.processes)
    expect([process.name, await health(process)]).toEqual([process.name, [200, 200]]);
  await load.end();
  await expectNothingLost(cluster, load.phones, load.causes);
}, 600_000);
