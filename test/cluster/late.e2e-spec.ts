import { describeWithRedis, Link, TestApp, text } from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from './cluster.js';

describeWithRedis('a node is cut off from Redis for a moment', () => {
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

  it('and what it has to tell of a membership is out of date when it is told', async () => {
    const [anna, boris, vera, gleb] = await one.people('Анна', 'Борис', 'Вера', 'Глеб');
    const hers = await other.device(anna);
    const [veras, glebs] = await other.devices(vera, gleb);
    const group = await other.group(anna, boris, gleb);
    await glebs.next('chat:created', ({ id }) => id === group.id);
    link.cut();
    // One node adds, the other removes; and the other way round.
    expect(
      (await one.request('POST', `chats/${group.id}/members`, anna.token, { user_ids: [vera.id] })).status,
    ).toBeLessThan(300);
    expect(
      (await one.request('DELETE', `chats/${group.id}/members/${gleb.id}`, anna.token)).status,
    ).toBeLessThan(300);
    await sleep(300);
    expect(
      (await other.request('DELETE', `chats/${group.id}/members/${vera.id}`, anna.token)).status,
    ).toBeLessThan(300);
    expect(
      (await other.request('POST', `chats/${group.id}/members`, anna.token, { user_ids: [gleb.id] })).status,
    ).toBeLessThan(300);
    link.mend();
    await sleep(4000);
    const sent = await hers.send('chat:message:send', text(group, 'for members only'));
    await hers.next('chat:message:new', ({ id }) => id === sent.message_id);
    await sleep(1000);
    const heard = (device: typeof veras) => device.all('chat:message:new').map(({ content }) => content);
    expect({ former: heard(veras), member: heard(glebs) }).toEqual({
      former: [],
      member: ['for members only'],
    });
  });
});
