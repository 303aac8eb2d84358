import type { MessageDto } from '#contracts';
import { Device, PlainClient, TestApp, text, type Account } from '#testing';

const EACH = 250;
/** Each participant loses the connection once in this many sends. */
const SENDS_A_CONNECTION = 40;

type Said = [seq: number, from: string, text: string];

/** A client of any dialect: the messages it has received by id, and whether it received any twice. */
interface Participant {
  account: Account;
  client: Device | PlainClient;
  say(content: string): Promise<void>;
  /** The event after a reconnect. */
  back: string;
  /** Runs after that event. */
  catchUp(): Promise<void>;
  /** The message in an event that carries one. */
  shown(event: string, payload: never): { id: string; said: Said } | undefined;
  transcript: Map<string, Said>;
  twice: string[];
}

let app: TestApp;
let chatId: string;
let people: Participant[];
let v2: Device;
let messenger: PlainClient;
let classic: PlainClient;
beforeAll(async () => {
  app = await TestApp.start();
  const accounts = await app.people('Анна', 'Борис', 'Вера', 'Глеб');
  const [anna, boris, vera, gleb] = accounts;
  chatId = (await app.group(anna, boris, vera, gleb)).id;
  const options = { reconnection: true, reconnectionDelay: 10, randomizationFactor: 0 };
  v2 = app.keep(await Device.connect(app.url, anna.token, options));
  const open = ({ token }: Account, namespace: string) =>
    PlainClient.open(app.url + namespace, { auth: { token }, ...options });
  messenger = open(boris, '/messenger');
  classic = open(vera, '/messenger-classic');
  const basic = open(gleb, '/chat-basic');
  people = [
    participant(anna, v2, {
      say: async (content) => void (await v2.send('chat:message:send', text({ id: chatId }, content))),
      messages: async () => (await app.history(anna, chatId)).map(ofV2),
      shown: (event, payload: MessageDto) => (event === 'chat:message:new' ? ofV2(payload) : undefined),
      // Its REST requests do not wait until it receives events.
      back: 'sync:required',
    }),
    participant(boris, messenger, {
      say: async (content) => void (await messenger.ask('message', { chatId, content })),
      messages: async () => (await messenger.ask<Joined>('chat:join', { chatId })).messages.map(ofMessenger),
      shown: (event, payload: Camel) => (event === 'message' ? ofMessenger(payload) : undefined),
    }),
    participant(vera, classic, {
      say: async (content) => void (await classic.ask('send-message', { chatId, content })),
      messages: async () => (await classic.ask<Joined>('join-chat', { chatId })).messages.map(ofMessenger),
      shown: (event, payload: Camel) => (event === 'new-message' ? ofMessenger(payload) : undefined),
    }),
    participant(gleb, basic, {
      say: async (content) => void (await basic.ask('message:send', { chatId, text: content })),
      messages: async () =>
        (await basic.ask<{ messages: Basic[] }>('chat:join', { chatId })).messages.map(ofBasic),
      shown: (event, payload: Basic) => (event === 'message:new' ? ofBasic(payload) : undefined),
    }),
  ];
  await Promise.all(people.map(({ catchUp }) => catchUp()));
});
afterAll(async () => {
  for (const { client } of people) client.close();
  await app.stop();
});

type Camel = { id: string; seq: number; senderId: string; content: string };
type Joined = { messages: Camel[] };
type Basic = { _id: string; seq: number; sender: { _id: string }; text: string };
type Shown = { id: string; said: Said };
const ofV2 = (m: MessageDto): Shown => ({ id: m.id, said: [m.seq, m.sender_id, m.content] });
const ofMessenger = (m: Camel): Shown => ({ id: m.id, said: [m.seq, m.senderId, m.content] });
const ofBasic = (m: Basic): Shown => ({ id: m._id, said: [m.seq, m.sender._id, m.text] });

function participant(
  account: Account,
  client: Device | PlainClient,
  ways: {
    say(content: string): Promise<void>;
    messages(): Promise<Shown[]>;
    shown(event: string, payload: never): Shown | undefined;
    back?: string;
  },
): Participant {
  const transcript = new Map<string, Said>();
  const live = new Set<string>();
  const twice: string[] = [];
  client.socket.onAny((event: string, payload: unknown) => {
    const message = ways.shown(event, payload as never);
    if (!message) return;
    if (live.has(message.id)) twice.push(message.said[2]);
    live.add(message.id);
    transcript.set(message.id, message.said);
  });
  const catchUp = async () => {
    for (const { id, said } of await ways.messages()) transcript.set(id, said);
  };
  const { say, shown, back = 'connect' } = ways;
  return { account, client, say, shown, back, catchUp, transcript, twice };
}

/** Breaks the connection, and lets the client of Socket.IO reconnect. */
async function loseConnection({ client, back, catchUp }: Participant): Promise<void> {
  const isBack = new Promise<void>((resolve) => client.socket.once(back, () => resolve()));
  client.socket.io.engine.close();
  await isBack;
  await catchUp();
}

async function sendMessages(person: Participant, name: number): Promise<void> {
  for (let i = 0; i < EACH; i++) {
    await person.say(`${name}:${i}`);
    if ((i + name * 10) % SENDS_A_CONNECTION === 0) await loseConnection(person);
  }
}

it('four clients of four dialects end with the same thousand messages, none received twice', async () => {
  await Promise.all(people.map(sendMessages));
  const stored = await app.rows<{ id: string; seq: number; sender_id: string; content: string }>(
    'SELECT id, seq, sender_id, content FROM messages WHERE chat_id = $1 ORDER BY seq',
    [chatId],
  );
  expect(stored.map(({ seq }) => seq)).toEqual(Array.from({ length: 4 * EACH }, (_, i) => i + 1));
  const truth = stored.map(({ seq, sender_id, content }): Said => [seq, sender_id, content]);
  for (const { client, transcript, twice } of people) {
    await (client as PlainClient).until(() => transcript.size >= truth.length || undefined);
    expect([...transcript.values()].sort(([a], [b]) => a - b)).toEqual(truth);
    expect(twice).toEqual([]);
  }
}, 60_000);

it('each sees the deliveries and reads of the others', async () => {
  const own = (person: Participant) =>
    [...person.transcript].filter(([, [, sender]]) => sender === person.account.id);
  const [anna, boris, vera] = people as [Participant, Participant, Participant];
  const newest = (person: Participant) =>
    own(person)
      .sort(([, [a]], [, [b]]) => a - b)
      .at(-1)![0];
  // The messenger client reads the messages of the v2 client, and the other way round.
  await messenger.ask('message:read', { messageId: newest(anna) });
  const read = await v2.next('chat:message:read', ({ message_id }) => message_id === newest(anna));
  expect(read.read_by).toBe(boris.account.id);
  await v2.send('chat:message:read', { chat_id: chatId, message_id: newest(boris) });
  const idsWith = (status: string) =>
    messenger.all('message:status').flatMap((event) => (event.status === status ? [event.messageId] : []));
  const ids = own(boris).map(([id]) => id);
  await messenger.until(() => idsWith('READ').length >= ids.length || undefined);
  expect(idsWith('READ')).toHaveLength(ids.length);
  expect(new Set(idsWith('READ'))).toEqual(new Set(ids));
  // The messages of the classic client have reached each of the others.
  const received = () =>
    classic.all('message-delivered').map(({ messageId, userId }) => `${messageId} ${userId}`);
  const others = people.filter((person) => person !== vera);
  const last = newest(vera);
  for (const { account } of others)
    await classic.next(
      'message-delivered',
      (event) => event.messageId === last && event.userId === account.id,
    );
  expect(new Set(received()).size).toBe(received().length);
});

it('each sees the others type and pin', async () => {
  const [anna, boris, vera] = people as [Participant, Participant, Participant];
  await classic.ask('typing-start', { chatId });
  await v2.next('chat:typing', ({ user_id, is_typing }) => user_id === vera.account.id && is_typing);
  await messenger.next('user-typing', ({ userId }) => userId === vera.account.id);
  await v2.send('chat:typing', { chat_id: chatId, is_typing: true });
  await classic.next('user-typing', ({ userId }) => userId === anna.account.id);
  const [first, second] = [...anna.transcript.keys()] as [string, string];
  await v2.send('chat:message:pin', { message_id: first });
  await messenger.next('message:pinned', ({ id }) => id === first);
  await messenger.ask('message:pin', { messageId: second });
  const pinned = await v2.next('chat:message:pinned', ({ id }) => id === second);
  expect(pinned.chat_id).toBe(chatId);
  const { messages } = await messenger.ask<Joined>('chat:get-pinned', { chatId });
  expect(messages.map(({ id }) => id)).toEqual([second, first]);
  expect(boris.twice).toEqual([]);
});
