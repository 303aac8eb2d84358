import { Link, ProcessCluster, until } from '#testing';
import { openMessenger } from '../e2e/dialects/messenger-client.js';
import { expectNothingLost } from './oracle.js';
import { Phone } from './phone.js';
import { ConversationLoad } from './conversation-load.js';

const SENDS = 10_000;

let cluster: ProcessCluster;
beforeAll(async () => {
  cluster = await ProcessCluster.start();
});
afterAll(() => cluster.stop());

it('kill -9 of one of two realtime nodes in the middle of 10,000 sends', async () => {
  const load = await ConversationLoad.start(cluster, { chats: 5, pause: 0 });
  await load.until(SENDS / 2);
  await cluster.realtime[0]!.signal('SIGKILL');
  await load.removeTheSilent();
  await load.until(SENDS);
  await load.end();
  await expectNothingLost(cluster, load.phones, load.causes);
  expect(load.phones.filter(({ syncs }) => syncs > 1).length).toBeGreaterThan(0);
}, 600_000);

it('an acknowledged message that a killed node did not publish appears on the others by itself', async () => {
  const link = await Link.to(cluster.env.REDIS_URL!);
  const node = await cluster.add('realtime', { REDIS_URL: link.url });
  const [anna, boris] = await cluster.people('Анна', 'Борис');
  const chat = await cluster.chat(anna, boris);
  const clusterDevice = await Phone.open(cluster, anna, node.url);
  const { url } = cluster.realtime.find(({ ended }) => ended === null)!;
  const clusterDevice2 = await Phone.open(cluster, boris, url);
  // It has no sync, so it joins the chat again after each connection.
  const messenger = openMessenger(`${url}/messenger`, boris.token);
  const held = new Set<string>();
  messenger.socket.on('connection:established', async () => {
    const { messages } = await messenger.ask<{ messages: { id: string }[] }>('chat:join', {
      chatId: chat.id,
    });
    for (const { id } of messages) held.add(id);
  });
  messenger.socket.on('message', ({ id }: { id: string }) => held.add(id));
  messenger.socket.on('disconnect', (reason) => {
    // Its library leaves this one to the app.
    if (reason === 'io server disconnect') messenger.socket.connect();
  });
  await messenger.next('connection:established');
  await clusterDevice2.holds([await clusterDevice.send(chat.id, 'heard')]);
  link.stick();
  const acked = await clusterDevice.send(chat.id, 'acknowledged, and told nobody');
  await node.signal('SIGKILL');
  await clusterDevice2.holds([acked]);
  await until('the messenger has it', () => held.has(acked.messageId), 180_000);
  messenger.close();
  link.close();
  clusterDevice.close();
}, 300_000);
