import type { MessageDto } from '#contracts';
import { describeWithRedis, text, type Account, type Device, type TestApp } from '#testing';
import { Cluster } from './cluster.js';

describeWithRedis('two nodes', () => {
  let cluster: Cluster;
  let anna: Account;
  let boris: Account;
  let annaDevice: Device;
  let secondDevice: Device;
  beforeAll(async () => {
    cluster = await Cluster.start(2);
    const [first, second] = cluster.nodes as [TestApp, TestApp];
    [anna, boris] = await first.people('Анна', 'Борис');
    [annaDevice, secondDevice] = [await first.device(anna), await second.device(boris)];
  });
  afterAll(() => cluster.stop());

  it('deliver a chat made on one to the other, with its messages, cursors and typing', async () => {
    const [first] = cluster.nodes as [TestApp];
    const chat = await first.chat(anna, boris);
    const { message_id } = await annaDevice.send(
      'chat:message:send',
      text(chat, 'Hello', { client_id: 'c' }),
    );
    await secondDevice.next('chat:created', ({ id }) => id === chat.id);
    const received = await secondDevice.next('chat:message:new', ({ id }) => id === message_id);
    expect(received).not.toHaveProperty('client_id');
    await annaDevice.next('chat:message:delivered', (receipt) => receipt.message_id === message_id);
    await secondDevice.send('chat:message:read', { chat_id: chat.id, message_id });
    await annaDevice.next('chat:message:read', (receipt) => receipt.message_id === message_id);
    await secondDevice.send('chat:typing', { chat_id: chat.id, is_typing: true });
    await annaDevice.next('chat:typing', ({ user_id }) => user_id === boris.id);
    expect(secondDevice.all('chat:message:new')).toHaveLength(1);
    expect(annaDevice.all('chat:message:new')).toHaveLength(1);
  });

  it('deliver nothing more to a member who was removed on the other', async () => {
    const [first] = cluster.nodes as [TestApp];
    const group = await first.group(anna, boris);
    await secondDevice.next('chat:created', ({ id }) => id === group.id);
    await first.request('DELETE', `chats/${group.id}/members/${boris.id}`, anna.token);
    await secondDevice.next('chat:removed', ({ chat_id }) => chat_id === group.id);
    await annaDevice.send('chat:message:send', text(group, 'ohne ihn'));
    const direct = await first.chat(anna, boris);
    await annaDevice.send('chat:message:send', text(direct, 'danach'));
    await secondDevice.next('chat:message:new', ({ content }) => content === 'danach');
    expect(secondDevice.all('chat:message:new').map(({ chat_id }) => chat_id)).not.toContain(group.id);
  });

  it('close a session on one that is signed out on the other', async () => {
    const [first, second] = cluster.nodes as [TestApp, TestApp];
    const vera = await first.register('Вера');
    const phone = await second.device(vera);
    const gone = phone.disconnected();
    await first.request('POST', 'auth/logout', vera.token);
    expect((await phone.next('error')).code).toBe('UNAUTHORIZED');
    await gone;
  });

  it('put concurrent sends of two users in one order without gaps', async () => {
    const [first] = cluster.nodes as [TestApp];
    const chat = await first.group(anna, boris);
    const sends = Array.from({ length: 200 }, (_, i) =>
      (i % 2 ? annaDevice : secondDevice).send(
        'chat:message:send',
        text(chat, `${i}`, { client_id: `${i}` }),
      ),
    );
    const acks = await Promise.all(sends);
    expect(acks.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 200 }, (_, i) => i + 1),
    );
    for (const device of [annaDevice, secondDevice]) {
      const received = () => device.all('chat:message:new').filter((m: MessageDto) => m.chat_id === chat.id);
      await device.until(() => received().length >= 200 || undefined);
      expect(new Set(received().map(({ id }) => id)).size).toBe(200);
      expect(received()).toHaveLength(200);
    }
  });

  it('store one message for the same client_id sent to both', async () => {
    const [first] = cluster.nodes as [TestApp];
    const chat = await first.chat(anna, boris);
    const tablet = await (cluster.nodes[1] as TestApp).device(anna);
    const payload = text(chat, 'einmal', { client_id: 'twice' });
    const acks = await Promise.all(
      [annaDevice, tablet].map((device) => device.send('chat:message:send', payload)),
    );
    expect(acks[0]).toEqual(acks[1]);
    await secondDevice.next('chat:message:new', ({ content }) => content === 'einmal');
    expect(secondDevice.all('chat:message:new').filter(({ content }) => content === 'einmal')).toHaveLength(
      1,
    );
  });
});
