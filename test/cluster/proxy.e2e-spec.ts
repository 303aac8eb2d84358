import { Metrics } from '#platform';
import { AssistantClient, Device, TestApp, text, until, type Account } from '#testing';
import { Cluster } from './cluster.js';
import { Nginx, describeWithNginx } from './nginx.js';

/** Enough that both nodes have some of them. */
const DEVICES = 12;

describeWithNginx('behind the proxy of the compose file', () => {
  let cluster: Cluster;
  /** A node of the cluster until it stops. */
  let leaving: TestApp;
  let nginx: Nginx;
  let anna: Account;
  beforeAll(async () => {
    cluster = await Cluster.start(2);
    leaving = await TestApp.start(cluster.env);
    nginx = await Nginx.before([...cluster.nodes, leaving], '127.0.0.1');
    anna = await cluster.nodes[0]!.register('Анна');
  });
  afterAll(async () => {
    await nginx.stop();
    await cluster.stop();
  });

  const connected = async () => {
    const gauges = [...cluster.nodes, leaving].map(({ app }) => app.get(Metrics).connections.get());
    return (await Promise.all(gauges)).map(({ values }) => values[0]!.value);
  };
  const connect = (transports: string[], options: object = {}, { url } = nginx) =>
    Promise.all(
      Array.from({ length: DEVICES }, async (_, i) =>
        cluster.nodes[0]!.keep(
          await Device.connect(url, anna.token, {
            // Addresses of many clients. WebSockets do not need them: they all come from one.
            ...(transports[0] === 'polling' && { extraHeaders: { 'x-forwarded-for': `10.0.0.${i}` } }),
            transports,
            ...options,
          }),
        ),
      ),
    );
  const close = async (devices: Device[]) => {
    for (const device of devices) device.close();
    await until('all are gone', async () => (await connected()).every((count) => count === 0));
  };

  it.each([
    ['WebSockets', ['websocket']],
    ['polls', ['polling']],
    ['polls that become WebSockets', ['polling', 'websocket']],
  ])('%s reach several nodes, and all receive an event', async (_, transports) => {
    const devices = await connect(transports);
    const counts = await connected();
    expect(counts.filter((count) => count > 0).length).toBeGreaterThan(1);
    expect(counts.reduce((sum, count) => sum + count)).toBe(DEVICES);
    const last = transports.at(-1)!;
    for (const { socket } of devices)
      if (socket.io.engine.transport.name !== last)
        await new Promise((resolve) => socket.io.engine.once('upgrade', resolve));
    const [node] = cluster.nodes as [TestApp];
    const boris = await node.register('Борис');
    const chat = await node.chat(anna, boris);
    const answers = await Promise.all(
      devices.map((device, i) => device.send('chat:message:send', text(chat, `${i}`))),
    );
    for (const device of devices)
      for (const { message_id } of answers)
        await device.next('chat:message:new', ({ id }) => id === message_id);
    await close(devices);
  });

  it('polls of one client reach one node, whatever addresses it forges', async () => {
    const outermost = await Nginx.before([...cluster.nodes, leaving]);
    const devices = await connect(['polling'], {}, outermost);
    expect((await connected()).sort((a, b) => a - b)).toEqual([0, 0, DEVICES]);
    await close(devices);
    await outermost.stop();
  });

  it('the assistant works, and the routes of a single process are hidden', async () => {
    const assistant = await AssistantClient.open(nginx.url);
    assistant.close();
    for (const path of ['metrics', '%6Detrics', 'metrics?x'])
      expect((await fetch(`${nginx.url}/${path}`)).status).toBe(404);
  });

  it('an oversized body is refused by the app, not by the proxy', async () => {
    const response = await fetch(`${nginx.url}/api/v2/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'x'.repeat(1.9 * 1024 * 1024) }),
    });
    expect(await response.json()).toMatchObject({ code: expect.any(String) as string });
  });

  it('a stopped node loses nobody', async () => {
    const devices = await connect(['websocket'], { reconnection: true });
    expect((await connected())[2]).toBeGreaterThan(0);
    await leaving.stop();
    const ready = Array.from({ length: DEVICES }, () => fetch(`${nginx.url}/health/ready`));
    expect((await Promise.all(ready)).map(({ status }) => status)).toEqual(Array(DEVICES).fill(200));
    const back = async () => (await connected()).slice(0, 2).reduce((sum, count) => sum + count) === DEVICES;
    await until('all are back', back);
    const [node] = cluster.nodes as [TestApp];
    const chat = await node.chat(anna, await node.register('Вера'));
    for (const device of devices) await device.next('chat:created', ({ id }) => id === chat.id);
    const { message_id } = await devices[0]!.send('chat:message:send', text(chat));
    for (const device of devices) await device.next('chat:message:new', ({ id }) => id === message_id);
    await close(devices);
  });
});
