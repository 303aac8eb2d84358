import type { ChatDto, ErrorBody } from '#contracts';
import { Device, TestApp, text } from '#testing';

const range = (length: number) => Array.from({ length }, (_, i) => i);

describe('long messages', () => {
  const BURST = 12;
  /** The text costs as much as two more messages. */
  const LONG = 'ж'.repeat(2500);
  const NOTE = { note: 'ж'.repeat(2500) };
  let app: TestApp;
  beforeAll(async () => (app = await TestApp.start({ MESSAGE_RATE: '1', MESSAGE_BURST: String(BURST) })));
  afterAll(() => app.stop());

  interface LongScene {
    chat: ChatDto;
    firstDevice: Device;
    long: string;
    short: string;
  }
  const scene = async (): Promise<LongScene> => {
    const [anna, boris] = await app.people('Анна', 'Борис');
    const [chat, [firstDevice, secondDevice]] = [await app.chat(anna, boris), await app.devices(anna, boris)];
    const { message_id } = await secondDevice.send('chat:message:send', text(chat, LONG));
    const short = await firstDevice.send('chat:message:send', text(chat));
    return { chat, firstDevice, long: message_id, short: short.message_id };
  };

  it.each<[string, number, (scene: LongScene) => Promise<object>]>([
    ['sent', 3, ({ firstDevice, chat }) => firstDevice.send('chat:message:send', text(chat, LONG))],
    [
      'sent with long metadata',
      3,
      ({ firstDevice, chat }) => firstDevice.send('chat:message:send', { ...text(chat), metadata: NOTE }),
    ],
    [
      'pinned with many reactions',
      3,
      async ({ firstDevice, short }) => {
        const user_ids = range(130).map(() => short);
        await app.rows('UPDATE messages SET reactions = $2 WHERE id = $1', [
          short,
          JSON.stringify([{ emoji: '👍', count: 130, user_ids }]),
        ]);
        return firstDevice.send('chat:message:pin', { message_id: short });
      },
    ],
    [
      'forwarded',
      3,
      ({ firstDevice, chat, long }) =>
        firstDevice.send('chat:message:forward', { message_ids: [long], to_chat_id: chat.id }),
    ],
    ['pinned', 3, ({ firstDevice, long }) => firstDevice.send('chat:message:pin', { message_id: long })],
    [
      'reacted to',
      3,
      ({ firstDevice, long }) =>
        firstDevice.send('chat:message:react', { message_id: long, emoji: '👍', on: true }),
    ],
  ])('cost three messages of the limit when they are %s', async (_, accepted, act) => {
    const there = await scene();
    const codes = [];
    for (const _ of range(5)) codes.push(((await act(there)) as ErrorBody).code);
    expect(codes).toEqual([...Array(accepted).fill(undefined), ...Array(5 - accepted).fill('RATE_LIMIT')]);
  });

  it('cost the larger of their old and new length when they are edited', async () => {
    const { firstDevice, short: message_id } = await scene();
    const edit = async (content: string) =>
      (await firstDevice.send('chat:message:edit', { message_id, content })).code;
    // They cost 3, 3 and 5 of 11.
    expect([await edit(LONG), await edit('short'), await edit(`${LONG}!`)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(await edit('short')).toBe('RATE_LIMIT');
  });
});

it('events of many bytes cost several', async () => {
  const app = await TestApp.start({ SOCKET_EVENT_RATE: '5' });
  const [device] = await app.devices(await app.register('Анна'));
  const codes = [];
  for (const _ of range(5))
    codes.push(
      ((await device.socket.emitWithAck('nonsense', { note: 'x'.repeat(60_000) })) as ErrorBody).code,
    );
  expect(codes).toEqual([...Array(3).fill('INVALID_DATA'), ...Array(2).fill('RATE_LIMIT')]);
  await app.stop();
});
