import type { ChatDto } from '#contracts';
import { SendPool } from '#platform';
import { EventPublisher } from '#realtime';
import { TestApp, text, type Account, type Device } from '#testing';
import { internalErrors } from './counted.js';

const range = (length: number) => Array.from({ length }, (_, i) => i);
const USERS = 6;
/** Per user: together 116 more than are free, so that each act counts as three. */
const SOCKETS = 190;
const BURST = 12;

let app: TestApp;
let users: Account[];
let group: ChatDto;
let small: ChatDto;
beforeAll(async () => {
  app = await TestApp.start({
    SOCKET_EVENT_RATE: '60',
    MESSAGE_RATE: '1',
    MESSAGE_BURST: String(BURST),
  });
  users = await app.people(...range(USERS + 1).map((i) => `User ${i}`));
  const [first, ...others] = users.slice(0, USERS);
  group = await app.group(first!, ...others);
  small = await app.chat(first!, users[USERS]!);
});
afterAll(() => app.stop());
afterEach(async () => {
  jest.restoreAllMocks();
  expect(await internalErrors(app.url)).toBe(0);
});

const codes = async (act: () => Promise<{ code?: string }>) => {
  const found = [];
  for (const _ of range(BURST + 1)) found.push((await act()).code);
  return found.filter((code) => code === undefined).length;
};

describe('an event for more than 1,024 devices', () => {
  let devices: Device[];
  beforeAll(async () => {
    for (const user of users.slice(0, USERS)) devices = await app.devices(...range(SOCKETS).map(() => user));
  }, 60_000);

  it('counts several times for sends, while sends to few count once', async () => {
    expect(await codes(() => devices[0]!.send('chat:message:send', text(group)))).toBe(BURST / 3);
    const [other] = await app.devices(users[USERS]!);
    expect(await codes(() => other.send('chat:message:send', text(small)))).toBe(BURST);
  });

  it('counts several times for forwards, reactions and starts of typing', async () => {
    const [firstDevice] = await app.devices(users[1]!);
    const { message_id } = await firstDevice.send('chat:message:send', text(group));
    const forward = { message_ids: [message_id], to_chat_id: group.id };
    expect(await codes(() => firstDevice.send('chat:message:forward', forward))).toBe(BURST / 3 - 1);
    const [secondDevice] = await app.devices(users[2]!);
    let on = false;
    const react = () => secondDevice.send('chat:message:react', { message_id, emoji: '👍', on: (on = !on) });
    expect(await codes(react)).toBe(BURST / 3);
    const [theirs] = await app.devices(users[3]!);
    const answers = [];
    for (const _ of range(12))
      answers.push(await theirs.send('chat:typing', { chat_id: group.id, is_typing: true }));
    expect(answers.filter(({ code }) => code === undefined)).toHaveLength(10);
  });
});

it('sends to many devices are serialized, and keep their order', async () => {
  const wide = await TestApp.start({ MESSAGE_BURST: '100000' });
  const [anna, boris] = await wide.people('Анна', 'Борис');
  const chat = await wide.chat(anna, boris);
  const [annaDevice] = await wide.devices(anna);
  const statements = jest.spyOn(wide.app.get(SendPool), 'query');
  const audience = jest.spyOn(wide.app.get(EventPublisher), 'audience').mockReturnValue(60_000);
  const send = (i: number) => annaDevice.send('chat:message:send', text(chat, String(i)));
  const sent = range(5).map(send);
  await sent[0];
  // The devices disconnect, and the waiting sends must stay before the later ones.
  audience.mockReturnValue(2);
  const acks = await Promise.all([...sent, ...range(5).map((i) => send(5 + i))]);
  expect(acks.map(({ seq }) => seq)).toEqual(range(10).map((i) => i + 1));
  expect(statements.mock.calls.length).toBeGreaterThanOrEqual(5);
  await wide.stop();
});
