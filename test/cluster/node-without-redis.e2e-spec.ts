import { Metrics } from '#platform';
import { EventPublisher, chatTopic } from '#realtime';
import {
  describeWithRedis,
  Link,
  PlainClient,
  TestApp,
  text,
  until,
  type Account,
  type Device,
} from '#testing';
import { Cluster } from './cluster.js';

/** More than the queue of a node holds. */
const TOO_MUCH = 10_001;

describeWithRedis('a node that loses Redis', () => {
  let cluster: Cluster;
  let link: Link;
  let one: TestApp;
  let other: TestApp;
  beforeAll(async () => {
    cluster = await Cluster.start(1);
    other = cluster.nodes[0]!;
    link = await Link.to(cluster.env.REDIS_URL!);
    one = await TestApp.start({ ...cluster.env, REDIS_URL: link.url });
    cluster.nodes.unshift(one);
  });
  afterEach(() => link.mend());
  afterAll(async () => {
    await cluster.stop();
    link.close();
  });

  it('makes devices of other nodes sync when its queue overflows, with the right subscriptions, and ends signed-out ones', async () => {
    const [anna, boris, vera, gleb] = await one.people('Анна', 'Борис', 'Вера', 'Глеб');
    const [annaDevice, secondDevice, veraDevice, glebDevice] = [
      await one.device(anna),
      ...(await other.devices(boris, vera, gleb)),
    ];
    const classics = [vera, boris].map(({ token }) =>
      PlainClient.open(`${other.url}/messenger-classic`, { auth: { token } }),
    );
    for (const client of classics) await client.next('connected');
    const group = await one.group(anna, boris, vera);
    for (const device of [secondDevice, veraDevice])
      await device.next('chat:created', ({ id }) => id === group.id);
    const assistant = await other.assistant();
    link.cut();
    const publisher = one.app.get(EventPublisher);
    for (let i = 0; i < TOO_MUCH; i++) publisher.subscriptionsChanged(chatTopic('none'), [anna.id]);
    const { message_id } = await annaDevice.send('chat:message:send', text(group, 'missed'));
    const later = await one.group(anna, boris);
    await one.request('DELETE', `chats/${group.id}/members/${vera.id}`, anna.token);
    await one.request('POST', 'auth/logout', gleb.token);
    expect(await one.app.get(Metrics).registry.metrics()).toMatch(/^node_messages_dropped_total [1-9]/m);
    const syncs = secondDevice.all('sync:required').length;
    link.mend();

    await secondDevice.until(
      () => secondDevice.all('sync:required').length > syncs || undefined,
      'sync:required',
    );
    // A dialect without a sync event makes its devices reconnect.
    for (const client of classics)
      await client.until(() => client.all('connected').length > 1 || undefined, 'connected');
    await veraDevice.until(() => veraDevice.all('sync:required').length > 1 || undefined, 'sync:required');
    expect((await other.history(boris, group.id)).map(({ id }) => id)).toContain(message_id);
    expect((await glebDevice.next('error')).code).toBe('UNAUTHORIZED');
    await glebDevice.disconnected();
    await assistant.disconnected();
    for (const chat of [group, later]) {
      const sent = await annaDevice.send('chat:message:send', text(chat, 'received'));
      await secondDevice.next('chat:message:new', ({ id }) => id === sent.message_id);
    }
    await classics[1]!.until(() => classics[1]!.all('new-message').length === 2 || undefined, 'new-message');
    expect(classics[0]!.all('new-message')).toEqual([]);
    for (const client of classics) client.close();
    await veraDevice.settled();
    expect(veraDevice.all('chat:message:new')).toEqual([]);
  });

  it('publishes outdated membership changes when it returns: only members receive the chat', async () => {
    const [anna, boris, vera, gleb] = await one.people('Анна', 'Борис', 'Вера', 'Глеб');
    const [annaDevice, veraDevice, glebDevice] = await other.devices(anna, vera, gleb);
    const group = await other.group(anna, boris, gleb);
    await glebDevice.next('chat:created', ({ id }) => id === group.id);
    const members = `chats/${group.id}/members`;
    const add = (node: TestApp, { id }: Account) =>
      node.request('POST', members, anna.token, { user_ids: [id] });
    const remove = (node: TestApp, { id }: Account) => node.request('DELETE', `${members}/${id}`, anna.token);
    link.cut();
    // One node removes and the other adds, and the other way round.
    const replies = [
      await remove(one, gleb),
      await add(one, vera),
      await remove(other, vera),
      await add(other, gleb),
    ];
    expect(replies.filter(({ status }) => status >= 300)).toEqual([]);
    link.mend();
    const receives = async (device: Device) => {
      const { message_id } = await annaDevice.send('chat:message:send', text(group));
      await device.settled();
      return device.all('chat:message:new').some(({ id }) => id === message_id);
    };
    await until('the added member receives the chat', () => receives(glebDevice));
    await until('the removed member does not', async () => !(await receives(veraDevice)));
    const before = veraDevice.all('chat:message:new').length;
    await annaDevice.send('chat:message:send', text(group, 'for members only'));
    await glebDevice.next('chat:message:new', ({ content }) => content === 'for members only');
    await veraDevice.settled();
    expect(veraDevice.all('chat:message:new')).toHaveLength(before);
  });
});
