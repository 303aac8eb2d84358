import type { AuthAnswer, ChatDto } from '#contracts';
import { AssistantClient, Device, PlainClient, ProcessCluster, text, type Account } from '#testing';
import { withConversationLoad } from './conversation-load.js';

/** The promise: disconnected on all nodes, ms. */
const WITHIN = 2000;
const DIALECTS = { messenger: 'connection:established', 'messenger-classic': 'connected' };
const ONCE = { transports: ['websocket'], reconnection: false };

let cluster: ProcessCluster;
let admin: Account;
let vera: Account;
let veraDevice: Device;
beforeAll(async () => {
  cluster = await ProcessCluster.start();
  [admin, vera] = await cluster.people('Админ', 'Вера');
  await cluster.rows(`UPDATE users SET role = 'admin' WHERE id = $1`, [admin.id]);
  veraDevice = await cluster.device(vera);
});
afterAll(() => cluster.stop());
withConversationLoad(() => cluster);

/** One session's connections of every kind, to both nodes. */
class Connections {
  readonly devices: Device[] = [];
  readonly dialects: PlainClient[] = [];
  readonly assistants: AssistantClient[] = [];

  static async of(account: Account, chat: ChatDto): Promise<Connections> {
    const opened = new Connections();
    for (const { url } of cluster.realtime) {
      opened.devices.push(await cluster.device(account, url));
      const auth = { auth: { token: account.token }, ...ONCE };
      for (const [namespace, observer] of Object.entries(DIALECTS)) {
        const client = PlainClient.open(`${url}/${namespace}`, auth);
        await client.next(observer);
        opened.dialects.push(client);
      }
      const basic = PlainClient.open(`${url}/chat-basic`, auth);
      await basic.ask('chat:join', { chatId: chat.id });
      opened.dialects.push(basic);
      const assistant = cluster.keep(await AssistantClient.open(url));
      assistant.send('join_chat', { token: account.token });
      await assistant.ask('create_chat', {}, 'chat_created');
      opened.assistants.push(assistant);
    }
    return opened;
  }

  get all() {
    return [...this.devices, ...this.dialects, ...this.assistants];
  }

  /** The connections that are still open. */
  get left() {
    return [
      ...[...this.devices, ...this.dialects].filter(({ socket }) => socket.connected),
      ...this.assistants.filter(({ dropped }) => dropped === undefined),
    ];
  }

  received(): number {
    return this.all.reduce((sum, { received }) => sum + received.length, 0);
  }

  close(): void {
    for (const client of this.all) client.close();
  }
}

const signIn = async ({ id, email, refreshToken }: Account): Promise<Account> => {
  const credentials = { email, password: 'correct horse battery' };
  const { body } = await cluster.request<AuthAnswer>('POST', 'auth/login', undefined, credentials);
  return { id, email, refreshToken, token: body.access_token };
};

const causes: Record<string, (account: Account, other: Account) => Promise<{ status: number }>> = {
  'logs out': ({ token }) => cluster.request('POST', 'auth/logout', token),
  'is signed out from another device': async (account, other) => {
    const { body } = await cluster.request<{ items: { id: string; current: boolean }[] }>(
      'GET',
      'auth/sessions',
      account.token,
    );
    const { id } = body.items.find(({ current }) => current)!;
    return cluster.request('DELETE', `auth/sessions/${id}`, other.token);
  },
  'has all sessions ended by an admin': ({ id }) =>
    cluster.request('DELETE', `admin/users/${id}/sessions`, admin.token),
  'is banned': ({ id }) => cluster.request('POST', `admin/users/${id}/ban`, admin.token),
};
const ONE_SESSION = ['logs out', 'is signed out from another device'];

it.each(Object.keys(causes))(
  'a user who %s is disconnected on all nodes within 2 s, and receives nothing more',
  async (cause) => {
    const boris = await cluster.register('Борис');
    const chat = await cluster.group(vera, boris);
    const tablet = await signIn(boris);
    const opened = await Connections.of(boris, chat);
    const others = await Connections.of(tablet, chat);
    expect(opened.left).toHaveLength(opened.all.length);

    const since = Date.now();
    expect((await causes[cause]!(boris, tablet)).status).toBeLessThan(300);
    const out = ONE_SESSION.includes(cause) ? [opened] : [opened, others];
    while (out.some(({ left }) => left.length > 0) && Date.now() - since < WITHIN)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(out.flatMap(({ left }) => left)).toEqual([]);
    for (const { devices } of out)
      for (const device of devices) expect(device.all('error').at(-1)?.code).toBe('UNAUTHORIZED');
    expect((await cluster.request('GET', 'chats', boris.token)).status).toBe(401);

    const received = out.map((connections) => connections.received());
    const { message_id } = await veraDevice.send('chat:message:send', text(chat, 'without him'));
    await veraDevice.next('chat:message:new', ({ id }) => id === message_id);
    if (out.length === 1) {
      for (const device of others.devices)
        await device.next('chat:message:new', ({ id }) => id === message_id);
      expect(others.left).toHaveLength(others.all.length);
      expect((await cluster.request('GET', 'chats', tablet.token)).status).toBe(200);
    }
    expect(out.map((connections) => connections.received())).toEqual(received);
    for (const connections of [opened, others]) connections.close();
  },
);

it('a removed member receives nothing more of the group on any node within 2 s', async () => {
  const [boris, gleb] = await cluster.people('Борис', 'Глеб');
  const group = await cluster.group(vera, boris, gleb);
  const direct = await cluster.chat(vera, boris);
  const opened = await Connections.of(boris, group);
  const glebDevice = await cluster.device(gleb);

  const since = Date.now();
  const { status } = await cluster.request('DELETE', `chats/${group.id}/members/${boris.id}`, vera.token);
  expect(status).toBeLessThan(300);
  for (const device of opened.devices)
    await device.next('chat:removed', ({ chat_id }) => chat_id === group.id);
  expect(Date.now() - since).toBeLessThan(WITHIN);
  const { message_id } = await veraDevice.send('chat:message:send', text(group, 'without him'));
  await veraDevice.send('chat:typing', { chat_id: group.id, is_typing: true });
  await glebDevice.next('chat:typing', ({ chat_id }) => chat_id === group.id);
  await glebDevice.next('chat:message:new', ({ id }) => id === message_id);

  await veraDevice.send('chat:message:send', text(direct, 'afterwards'));
  for (const client of [...opened.devices, ...opened.dialects])
    await client.until(() => said(client).includes('afterwards') || undefined, 'what is said afterwards');
  for (const client of [...opened.devices, ...opened.dialects])
    expect(said(client)).not.toContain('without him');
  for (const device of opened.devices) expect(device.all('chat:typing')).toEqual([]);
  const path = `chats/${group.id}/messages`;
  const send = await cluster.request('POST', path, boris.token, { type: 'text', content: 'x' });
  expect([send.status, send.body.code]).toEqual([403, 'FORBIDDEN']);
  const refused = await opened.devices[1]!.send('chat:message:send', text(group));
  expect(refused.code).toBe('FORBIDDEN');
  opened.close();
});

/** Every text that a client of any namespace received. */
const said = ({ received }: Device | PlainClient) =>
  received.flatMap(({ payload }) => {
    const { content, text } = payload as { content?: string; text?: string };
    return [content ?? text];
  });
