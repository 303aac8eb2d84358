import { MessagePage, type ChangeDto, type ChatDto, type MessageDto } from '#contracts';
import { contractErrors, Device, TestApp, text, type Account, type Reply } from '#testing';

let app: TestApp;
let anna: Account;
let boris: Account;
let vera: Account;
let annaDevice: Device;
beforeAll(async () => {
  app = await TestApp.start();
  [anna, boris, vera] = await app.people('Анна', 'Борис', 'Вера');
  [annaDevice] = await app.devices(anna);
});
afterAll(() => app.stop());

const page = async (chat: ChatDto, query: string, account = anna) => {
  const { status, body } = await app.request<MessagePage>('GET', `chats/${chat.id}/${query}`, account.token);
  if (status === 200) expect(contractErrors(MessagePage, body)).toEqual([]);
  return body;
};
const seqs = ({ items }: MessagePage) => items.map(({ seq }) => seq);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const send = (chat: ChatDto, content: string, device = annaDevice) =>
  device.send('chat:message:send', text(chat, content));

describe('history', () => {
  let chat: ChatDto;
  beforeAll(async () => {
    chat = await app.group(anna, boris);
    for (const i of range(1, 120)) await send(chat, `m${i}`);
  });

  it('starts with the newest 50 and goes back to the first', async () => {
    const newest = await page(chat, 'messages');
    expect([seqs(newest), newest.next_cursor]).toEqual([range(71, 120), '71']);
    const older = await page(chat, `messages?before_seq=${newest.next_cursor}`);
    expect([seqs(older), older.next_cursor]).toEqual([range(21, 70), '21']);
    const oldest = await page(chat, `messages?before_seq=${older.next_cursor}`);
    expect([seqs(oldest), oldest.next_cursor]).toEqual([range(1, 20), null]);
    expect(oldest.items[0]!.content).toBe('m1');
  });

  it('continues from a given seq', async () => {
    const first = await page(chat, 'messages?after_seq=100&limit=15');
    expect([seqs(first), first.next_cursor]).toEqual([range(101, 115), '115']);
    const rest = await page(chat, `messages?after_seq=${first.next_cursor}&limit=15`);
    expect([seqs(rest), rest.next_cursor]).toEqual([range(116, 120), null]);
    expect(await page(chat, 'messages?after_seq=120')).toEqual({ items: [], next_cursor: null });
    expect(seqs(await page(chat, 'messages?after_seq=10&before_seq=13'))).toEqual([11, 12]);
    expect(seqs(await page(chat, 'messages?after_seq=0&limit=3'))).toEqual([1, 2, 3]);
  });

  it.each([
    'limit=0',
    'limit=201',
    'limit=x',
    'before_seq=0',
    'before_seq=-1',
    'after_seq=1.5',
    'after_seq=9999999999',
  ])('refuses ?%s by name', async (query) => {
    const { code, details } = (await page(chat, `messages?${query}`)) as { code?: string } & {
      details?: object[];
    };
    expect([code, details?.[0]]).toMatchObject(['INVALID_DATA', { field: query.split('=')[0] }]);
  });
});

describe('pages of long messages', () => {
  const TEXTS = 300;
  let chat: ChatDto;
  beforeAll(async () => {
    chat = await app.group(anna, boris, vera);
    await app.rows(
      `INSERT INTO messages (id, chat_id, seq, sender_id, type, content, metadata, created_at)
       SELECT gen_random_uuid(), $1, i, $2, 'text', repeat('ж', 4000), '{}', now() FROM generate_series(1, $3::int) AS i`,
      [chat.id, anna.id, TEXTS],
    );
    await app.rows('UPDATE chats SET last_seq = $2 WHERE id = $1', [chat.id, TEXTS]);
  });

  /** Follows the cursors. */
  async function all<T>(path: string, parameter: string, account: Account): Promise<T[]> {
    const items: T[] = [];
    let cursor: string | null = parameter === 'before_seq' ? '1000' : '0';
    while (cursor !== null) {
      const { body }: Reply<{ items: T[]; next_cursor: string | null }> = await app.request(
        'GET',
        `chats/${chat.id}/${path}?limit=200&${parameter}=${cursor}`,
        account.token,
      );
      expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThan(1_001_000);
      items.push(...body.items);
      cursor = body.next_cursor;
    }
    return items;
  }

  it('end at 1 MB, and the next page continues there', async () => {
    const messages = await all<MessageDto>('messages', 'before_seq', boris);
    expect(messages.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual(range(1, TEXTS));
    const forward = await all<MessageDto>('messages', 'after_seq', boris);
    expect(forward.map(({ seq }) => seq)).toEqual(range(1, TEXTS));
  });

  it('continue even if a former member may not see later texts', async () => {
    expect((await app.request('DELETE', `chats/${chat.id}/members/${vera.id}`, vera.token)).status).toBe(204);
    await app.rows(
      'UPDATE messages SET content_change_seq = c.n, change_seq = c.n, edited_at = now() FROM (SELECT change_seq + 1 AS n FROM chats WHERE id = $1) c WHERE chat_id = $1',
      [chat.id],
    );
    const messages = await all<MessageDto>('messages', 'before_seq', vera);
    expect(messages.filter(({ content }) => content !== '')).toEqual([]);
    expect(
      messages
        .map(({ seq }) => seq)
        .sort((a, b) => a - b)
        .slice(0, TEXTS),
    ).toEqual(range(1, TEXTS));
  });

  it('of changes skip no message and no mark', async () => {
    await app.rows('UPDATE messages SET change_seq = 10 + 2 * seq WHERE chat_id = $1 AND seq <= $2', [
      chat.id,
      TEXTS,
    ]);
    await app.rows('UPDATE chat_members SET change_seq = 11 + 2 * 200 WHERE chat_id = $1 AND user_id = $2', [
      chat.id,
      boris.id,
    ]);
    const changes = await all<ChangeDto>('changes', 'after_change_seq', anna);
    const numbers = changes.map(({ change_seq }) => change_seq);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    const shown = new Set(changes.flatMap(({ message }) => message?.seq ?? []));
    expect(range(1, TEXTS).filter((seq) => !shown.has(seq))).toEqual([]);
    expect(changes.filter(({ marks }) => marks?.user_id === boris.id)).toHaveLength(1);
  });
});

describe('a message’s status', () => {
  const statuses = async (chat: ChatDto) => (await page(chat, 'messages')).items.map(({ status }) => status);
  const lastStatus = async (chat: ChatDto) => {
    const { body } = await app.request<ChatDto>('GET', `chats/${chat.id}`, anna.token);
    return body.last_message!.status;
  };

  it('is sent, delivered, read in a direct chat', async () => {
    const chat = await app.chat(anna, boris);
    const { message_id } = await send(chat, 'one');
    await send(chat, 'two');
    expect([await statuses(chat), await lastStatus(chat)]).toEqual([['sent', 'sent'], 'sent']);
    const borisDevice = await app.device(boris);
    await borisDevice.send('chat:message:delivered', { chat_id: chat.id, message_id });
    expect(await statuses(chat)).toEqual(['delivered', 'sent']);
    await borisDevice.send('chat:message:read', { chat_id: chat.id, message_id });
    expect(await statuses(chat)).toEqual(['read', 'sent']);
    const answer = await send(chat, 'an answer', borisDevice);
    await borisDevice.send('chat:message:read', { chat_id: chat.id, message_id: answer.message_id });
    expect((await statuses(chat)).slice(0, 2)).toEqual(['read', 'read']);
    await annaDevice.send('chat:message:read', { chat_id: chat.id, message_id: answer.message_id });
    expect([await statuses(chat), await lastStatus(chat)]).toEqual([['read', 'read', 'read'], 'read']);
    borisDevice.close();
  });

  it('is that of the slowest other member in a group', async () => {
    const chat = await app.group(anna, boris, vera);
    const { message_id } = await send(chat, 'to all');
    const receipt = { chat_id: chat.id, message_id };
    const [borisDevice, veraDevice] = await app.devices(boris, vera);
    await borisDevice.send('chat:message:read', receipt);
    expect([await statuses(chat), await lastStatus(chat)]).toEqual([['sent'], 'sent']);
    await veraDevice.send('chat:message:delivered', receipt);
    expect([await statuses(chat), await lastStatus(chat)]).toEqual([['delivered'], 'delivered']);
    await veraDevice.send('chat:message:read', receipt);
    expect([await statuses(chat), await lastStatus(chat)]).toEqual([['read'], 'read']);
    // A member who left does not count any more.
    await send(chat, 'again');
    await app.request('DELETE', `chats/${chat.id}/members/${vera.id}`, vera.token);
    const { items } = await page(chat, 'messages');
    await borisDevice.send('chat:message:read', { chat_id: chat.id, message_id: items[1]!.id });
    expect(await statuses(chat)).toEqual(['read', 'read']);
  });
});

describe('search', () => {
  let chat: ChatDto;
  const found = async (query: string, more = '', account = anna) => {
    const { items } = await page(chat, `messages/search?query=${encodeURIComponent(query)}${more}`, account);
    return items.map(({ content }) => content);
  };
  beforeAll(async () => {
    chat = await app.group(anna, vera);
    for (const content of [
      'Привет, МИР',
      'мир вокруг',
      'Hello World',
      '100% sure',
      'a_b',
      'a\\b',
      'axb',
      '100 percent',
    ])
      await send(chat, content);
  });

  it('finds in any case, also in Cyrillic, newest first', async () => {
    expect(await found('мир')).toEqual(['мир вокруг', 'Привет, МИР']);
    expect(await found('ПРИВЕТ')).toEqual(['Привет, МИР']);
    expect(await found('wORLD')).toEqual(['Hello World']);
    expect(await found('nothing like it')).toEqual([]);
  });

  it('takes wildcards literally', async () => {
    expect(await found('%')).toEqual(['100% sure']);
    expect(await found('a_b')).toEqual(['a_b']);
    expect(await found('a\\b')).toEqual(['a\\b']);
    expect(await found(`'; --`)).toEqual([]);
  });

  it('continues with its cursor', async () => {
    const first = await page(chat, 'messages/search?query=a&limit=2');
    expect(first.items.map(({ content }) => content)).toEqual(['axb', 'a\\b']);
    const cursor = encodeURIComponent(first.next_cursor!);
    expect(await found('a', `&limit=2&cursor=${cursor}`)).toEqual(['a_b']);
    for (const bad of ['garbage', 'WyJ4Il0', 'WzEsMl0']) {
      const { code } = (await page(chat, `messages/search?query=a&cursor=${bad}`)) as { code?: string };
      expect(code).toBe('INVALID_DATA');
    }
  });

  it('finds edited texts, and nothing deleted or from another chat', async () => {
    const { message_id } = await send(chat, 'unicorn');
    const other = await app.group(anna, boris);
    await send(other, 'unicorn elsewhere');
    expect(await found('unicorn')).toEqual(['unicorn']);
    await annaDevice.send('chat:message:edit', { message_id, content: 'zebra' });
    expect([await found('unicorn'), await found('zebra')]).toEqual([[], ['zebra']]);
    await annaDevice.send('chat:message:delete', { message_id });
    expect(await found('zebra')).toEqual([]);
  });

  it('continues beyond the part that one call scans', async () => {
    const long = await app.group(anna, boris);
    await app.rows(
      `INSERT INTO messages (id, chat_id, seq, sender_id, type, content, created_at)
       SELECT gen_random_uuid(), $1, i, $2, 'text', CASE i WHEN 7 THEN 'needle' ELSE 'hay' END, now()
       FROM generate_series(1, 25000) AS i`,
      [long.id, anna.id],
    );
    await app.rows('UPDATE chats SET last_seq = 25000 WHERE id = $1', [long.id]);
    const contents: string[] = [];
    let calls = 0;
    for (let cursor: string | null = ''; cursor !== null; calls++) {
      const next: MessagePage = await page(
        long,
        `messages/search?query=needle${cursor && `&cursor=${cursor}`}`,
      );
      contents.push(...next.items.map(({ content }) => content));
      cursor = next.next_cursor;
    }
    expect([contents, calls]).toEqual([['needle'], 3]);
  });
});
