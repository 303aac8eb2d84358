import type { ChangePage, ChatDto, MessageDto } from '#contracts';
import { Device, TestApp, text, type Account } from '#testing';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

let app: TestApp;
let anna: Account;
let boris: Account;
let vera: Account;
let stranger: Account;
/** The group of Anna, its owner, with Boris and Vera. */
let group: ChatDto;
let annaDevice: Device;
let borisDevice: Device;
let veraDevice: Device;
beforeAll(async () => {
  app = await TestApp.start();
  [anna, boris, vera, stranger] = await app.people('Анна', 'Борис', 'Вера', 'Глеб');
  group = await app.group(anna, boris, vera);
  [annaDevice, borisDevice, veraDevice] = await app.devices(anna, boris, vera);
});
afterAll(() => app.stop());

const sent = async (device: Device, content: string, more: object = {}) =>
  (await device.send('chat:message:send', text(group, content, more))).message_id;
const edit = (device: Device, message_id: string, content: string) =>
  device.send('chat:message:edit', { message_id, content });
const stored = async (id: string) =>
  (await app.rows<Record<string, unknown>>('SELECT * FROM messages WHERE id = $1', [id]))[0]!;
const changes = async (after: number, limit = 200) => {
  const path = `chats/${group.id}/changes?after_change_seq=${after}&limit=${limit}`;
  return (await app.request<ChangePage>('GET', path, anna.token)).body;
};

describe('an edit', () => {
  it('reaches every member, gets a number and is stored', async () => {
    const id = await sent(annaDevice, 'befor');
    const { status, message } = await edit(annaDevice, id, 'before');
    expect([status, message.content]).toEqual(['ok', 'before']);
    expect(message.edited_at).not.toBeNull();
    for (const device of [annaDevice, borisDevice, veraDevice])
      expect(await device.next('chat:message:edited', (m) => m.id === id)).toEqual(message);
    const { edited_at, change_seq, seq } = message;
    const shown = (await app.history(boris, group.id)).find((m) => m.id === id);
    expect(shown).toMatchObject({ content: 'before', edited_at, change_seq, seq });
    const { items } = await changes(message.change_seq - 1);
    expect(items[0]).toMatchObject({ kind: 'message', message: { id, content: 'before' } });
  });

  it('to the same text takes no number and publishes nothing', async () => {
    const id = await sent(annaDevice, 'same');
    const before = (await changes(0)).items.length;
    const { change_seq } = (
      await app.rows<{ change_seq: number }>('SELECT change_seq FROM chats WHERE id = $1', [group.id])
    )[0]!;
    const { status, message } = await edit(annaDevice, id, 'same');
    expect([status, message.edited_at, message.change_seq]).toEqual(['ok', null, 0]);
    const path = `chats/${group.id}/messages/${id}`;
    expect((await app.request('PATCH', path, anna.token, { content: 'same' })).status).toBe(200);
    await borisDevice.settled();
    expect(borisDevice.all('chat:message:edited').filter((m) => m.id === id)).toEqual([]);
    expect((await changes(change_seq)).items.filter(({ kind }) => kind === 'message')).toEqual([]);
    expect((await changes(0)).items.length).toBeGreaterThanOrEqual(before);
  });

  it('is allowed to the sender alone, for 48 hours', async () => {
    const id = await sent(borisDevice, 'mine');
    expect((await edit(annaDevice, id, 'x')).code).toBe('FORBIDDEN');
    const age = (interval: string) =>
      app.rows(`UPDATE messages SET created_at = now() - $2::interval WHERE id = $1`, [id, interval]);
    await age('47 hours 59 minutes');
    expect((await edit(borisDevice, id, 'x')).status).toBe('ok');
    await age('48 hours 1 minute');
    expect((await edit(borisDevice, id, 'x')).code).toBe('FORBIDDEN');
  });

  it('follows the rules of the message type', async () => {
    const photo = await annaDevice.send('chat:message:send', {
      chat_id: group.id,
      type: 'photo',
      content: 'https://example.com/1.jpg',
      metadata: { width: 1, height: 2 },
    });
    expect((await edit(annaDevice, photo.message_id, 'no URL')).details?.[0]?.field).toBe('content');
    const next = 'https://example.com/2.jpg';
    const { message } = await edit(annaDevice, photo.message_id, next);
    expect(message).toMatchObject({ content: next, metadata: { width: 1, height: 2 } });
    const id = await sent(annaDevice, 'text');
    expect((await edit(annaDevice, id, '  ')).code).toBe('INVALID_DATA');
    expect((await edit(annaDevice, id, 'x'.repeat(4001))).code).toBe('MESSAGE_TOO_LARGE');
    expect((await stored(id)).content).toBe('text');
    const share = { chat_id: group.id, type: 'profile_share', content: boris.id };
    const { message_id } = await annaDevice.send('chat:message:send', share);
    expect((await edit(annaDevice, message_id, vera.id)).code).toBe('INVALID_DATA');
  });
});

describe('a deletion', () => {
  it('removes the content from the database and keeps the number', async () => {
    const secret = 'a secret that was sent by mistake';
    const id = await sent(borisDevice, secret, { client_id: 'secret' });
    await annaDevice.send('chat:message:react', { message_id: id, emoji: '👍', on: true });
    expect((await borisDevice.send('chat:message:delete', { message_id: id })).status).toBe('ok');
    for (const device of [annaDevice, borisDevice, veraDevice]) {
      const received = await device.next('chat:message:deleted', (m) => m.id === id);
      expect(received).toMatchObject({ content: '', metadata: {}, reactions: [] });
      expect(received.deleted_at).not.toBeNull();
    }
    expect(JSON.stringify(await stored(id))).not.toContain('secret that');
    expect(await app.rows('SELECT FROM message_reactions WHERE message_id = $1', [id])).toEqual([]);
    const kept = (await app.history(anna, group.id)).find((m) => m.id === id)!;
    expect(kept.seq).toBeGreaterThan(0);
    expect(kept.content).toBe('');
    for (const again of [
      await borisDevice.send('chat:message:delete', { message_id: id }),
      await borisDevice.send('chat:message:edit', { message_id: id, content: 'back' }),
      await annaDevice.send('chat:message:react', { message_id: id, emoji: '👍', on: true }),
    ])
      expect(again.code).toBe('NOT_FOUND');
  });

  it('is allowed to the sender and, in a group, to its owner and admins', async () => {
    const remove = (device: Device, message_id: string) => device.send('chat:message:delete', { message_id });
    expect((await remove(veraDevice, await sent(borisDevice, 'his'))).code).toBe('FORBIDDEN');
    expect((await remove(annaDevice, await sent(borisDevice, 'his'))).status).toBe('ok');
    await app.rows(`UPDATE chat_members SET role = 'admin' WHERE chat_id = $1 AND user_id = $2`, [
      group.id,
      vera.id,
    ]);
    expect((await remove(veraDevice, await sent(borisDevice, 'his'))).status).toBe('ok');
    const direct = await app.chat(anna, boris);
    const { message_id } = await borisDevice.send('chat:message:send', text(direct));
    expect((await remove(annaDevice, message_id)).code).toBe('FORBIDDEN');
  });
});

describe('a reaction', () => {
  const react = (device: Device, message_id: string, emoji: string, on = true) =>
    device.send('chat:message:react', { message_id, emoji, on });
  const reactionsTo = async (id: string) =>
    (await app.history(anna, group.id)).find((m) => m.id === id)!.reactions;

  it('is counted by emoji, and a repetition changes nothing', async () => {
    const id = await sent(annaDevice, 'nice');
    await react(borisDevice, id, '👍');
    await react(veraDevice, id, '👍');
    await react(borisDevice, id, '❤️');
    const before = (await stored(id))['change_seq'] as number;
    await react(borisDevice, id, '👍');
    expect((await stored(id))['change_seq']).toBe(before);
    const expected = [
      { emoji: '👍', count: 2, user_ids: [boris.id, vera.id] },
      { emoji: '❤️', count: 1, user_ids: [boris.id] },
    ];
    expect(await reactionsTo(id)).toEqual(expected);
    const received = await annaDevice.until(() =>
      annaDevice.all('chat:message:reaction').find((m) => m.id === id && m.reactions.length === 2),
    );
    expect(received.reactions).toEqual(expected);
    await react(borisDevice, id, '👍', false);
    await react(borisDevice, id, '👍', false);
    await react(borisDevice, id, '❤️', false);
    expect(await reactionsTo(id)).toEqual([{ emoji: '👍', count: 1, user_ids: [vera.id] }]);
    const messages = (await changes(before)).items.flatMap(({ message }) => message ?? []);
    expect(messages.map((message) => message.id)).toEqual([id]);
  });

  it('accepts any kind of emoji, and nothing else', async () => {
    const id = await sent(annaDevice, 'emoji');
    for (const emoji of ['🇷🇺', '👩‍👩‍👧‍👦', '👍🏽', '1️⃣', '☺️'])
      expect([emoji, (await react(borisDevice, id, emoji)).status]).toEqual([emoji, 'ok']);
    for (const emoji of ['', 'a', '1', 'ok 👍', '<b>', '👍'.repeat(17)])
      expect([emoji, (await react(borisDevice, id, emoji)).code]).toEqual([emoji, 'INVALID_DATA']);
  });

  it.each([
    ['\u2764', '\u2764\uFE0F'],
    ['👍', '👍\uFE0F'],
    ['☺\uFE0E', '☺\uFE0F'],
    ['1\u20E3', '1\uFE0F\u20E3'],
    ['🏳\u200D🌈', '🏳\uFE0F\u200D🌈'],
  ])('is the same in each form of its emoji (%j, %j)', async (one, other) => {
    const id = await sent(annaDevice, 'forms');
    await react(borisDevice, id, one);
    await react(veraDevice, id, other);
    const [reaction, ...more] = await reactionsTo(id);
    expect([reaction, more]).toEqual([
      { emoji: expect.any(String), count: 2, user_ids: [boris.id, vera.id] },
      [],
    ]);
    const received = await annaDevice.next(
      'chat:message:reaction',
      (m) => m.id === id && m.reactions[0]?.count === 2,
    );
    expect(received.reactions).toEqual([reaction]);
    expect((await react(borisDevice, id, other, false)).status).toBe('ok');
    expect((await react(veraDevice, id, one, false)).status).toBe('ok');
    expect(await reactionsTo(id)).toEqual([]);
  });

  it('is exactly one emoji; skin tones make different ones', async () => {
    const id = await sent(annaDevice, 'one');
    for (const emoji of ['❤❤', '👨👩', '12\u20E3', '🇷', '🇷🇺🇺🇸', '\uFE0F❤', '🏽'])
      for (const on of [true, false])
        expect([emoji, (await react(borisDevice, id, emoji, on)).code]).toEqual([emoji, 'INVALID_DATA']);
    for (const emoji of ['👍', '👍🏽', '🏴󠁧󠁢󠁥󠁮󠁧󠁿']) await react(borisDevice, id, emoji);
    expect((await reactionsTo(id)).map(({ emoji }) => emoji)).toEqual(['👍', '👍🏽', '🏴󠁧󠁢󠁥󠁮󠁧󠁿']);
  });

  it('names the first 50 users as they are now, also after some of them take theirs back', async () => {
    const id = await sent(annaDevice, 'crowded');
    const manyPeople = await app.manyPeople(55);
    await react(borisDevice, id, '👍');
    await app.rows(
      `INSERT INTO message_reactions (message_id, user_id, emoji)
       SELECT $1, one, '👍' FROM unnest($2::uuid[]) WITH ORDINALITY AS o(one, place) ORDER BY place`,
      [id, manyPeople],
    );
    await react(veraDevice, id, '👍');
    expect(await reactionsTo(id)).toEqual([
      { emoji: '👍', count: 57, user_ids: [boris.id, ...manyPeople.slice(0, 49)] },
    ]);
    await react(borisDevice, id, '👍', false);
    expect(await reactionsTo(id)).toEqual([{ emoji: '👍', count: 56, user_ids: manyPeople.slice(0, 50) }]);
    await app.rows('DELETE FROM message_reactions WHERE message_id = $1 AND user_id = ANY($2)', [
      id,
      manyPeople.slice(5, 20),
    ]);
    await react(borisDevice, id, '👍');
    expect(await reactionsTo(id)).toEqual([
      {
        emoji: '👍',
        count: 42,
        user_ids: [...manyPeople.slice(0, 5), ...manyPeople.slice(20), vera.id, boris.id],
      },
    ]);
  });

  it('stored by earlier versions in several forms is merged, and can be taken back in any form', async () => {
    const id = await sent(annaDevice, 'old');
    await app.rows(
      `INSERT INTO message_reactions (message_id, user_id, emoji) VALUES
       ($1, $2, '👍\uFE0F'), ($1, $2, '❤'), ($1, $2, '❤\uFE0F'), ($1, $3, '❤'), ($1, $3, '❤❤'), ($1, $3, '12⃣'), ($1, $3, '☝🏽')`,
      [id, boris.id, vera.id],
    );
    const migrations = 'prisma/migrations';
    const name = (await readdir(migrations)).find((folder) => folder.endsWith('_one_form_of_text'))!;
    await app.rows(await readFile(join(migrations, name, 'migration.sql'), 'utf8'));
    expect(await reactionsTo(id)).toEqual([
      { emoji: '👍', count: 1, user_ids: [boris.id] },
      { emoji: '❤️', count: 2, user_ids: [boris.id, vera.id] },
      { emoji: '❤️❤️', count: 1, user_ids: [vera.id] },
      { emoji: '1\uFE0F2\uFE0F⃣', count: 1, user_ids: [vera.id] },
      { emoji: '☝🏽', count: 1, user_ids: [vera.id] },
    ]);
    expect(await app.rows('SELECT FROM message_reactions WHERE message_id = $1', [id])).toHaveLength(6);
    for (const emoji of ['❤', '❤❤', '12⃣', '☝🏽'])
      expect((await react(veraDevice, id, emoji, false)).status).toBe('ok');
    expect((await reactionsTo(id)).map(({ count }) => count)).toEqual([1, 1]);
  });

  it('is limited to 20 kinds per message', async () => {
    const id = await sent(annaDevice, 'many');
    const emoji = [...'😀😁😂😃😄😅😆😇😈😉😊😋😌😍😎😏😐😑😒😓😔'];
    const answers = [];
    for (const one of emoji) answers.push(await react(borisDevice, id, one));
    expect(answers.filter(({ status }) => status === 'ok')).toHaveLength(20);
    expect(answers[20]!.code).toBe('CONFLICT');
    expect((await react(veraDevice, id, emoji[0]!)).status).toBe('ok');
    expect(await app.rows('SELECT FROM message_reactions WHERE message_id = $1', [id])).toHaveLength(21);
  });

  it('is counted correctly when many react at once', async () => {
    const id = await sent(annaDevice, 'crowd');
    const devices = [annaDevice, borisDevice, veraDevice];
    await Promise.all(devices.flatMap((device) => ['👍', '🔥'].map((emoji) => react(device, id, emoji))));
    const counts = (await reactionsTo(id)).map(({ emoji, count }) => [emoji, count]);
    expect(new Map(counts as [string, number][])).toEqual(
      new Map([
        ['👍', 3],
        ['🔥', 3],
      ]),
    );
  });
});

describe('changes', () => {
  it('are numbered without gaps and paged, each in its latest state', async () => {
    const chat = await app.group(anna, boris);
    const get = async (after: number, limit: number) => {
      const path = `chats/${chat.id}/changes?after_change_seq=${after}&limit=${limit}`;
      return (await app.request<ChangePage>('GET', path, boris.token)).body;
    };
    const ids: string[] = [];
    for (const content of ['a', 'b', 'c'])
      ids.push((await annaDevice.send('chat:message:send', text(chat, content))).message_id);
    await borisDevice.send('chat:message:read', { chat_id: chat.id, message_id: ids[2]! });
    await annaDevice.send('chat:message:edit', { message_id: ids[0]!, content: 'A' });
    await borisDevice.send('chat:message:react', { message_id: ids[1]!, emoji: '👍', on: true });
    await annaDevice.send('chat:message:delete', { message_id: ids[2]! });
    await annaDevice.send('chat:message:edit', { message_id: ids[0]!, content: 'AA' });
    const all = (await get(0, 200)).items;
    const summary = all.map(({ kind, message, marks }) => [kind, message ? message.content : marks!.user_id]);
    expect(summary.slice(-4)).toEqual([
      ['marks', boris.id],
      ['message', 'b'],
      ['message', ''],
      ['message', 'AA'],
    ]);
    const paged: unknown[] = [];
    for (let after: number | null = 0; after !== null;) {
      const { items, next_cursor } = await get(after, 1);
      expect(items.length).toBeLessThanOrEqual(1);
      paged.push(...items);
      after = next_cursor === null ? null : Number(next_cursor);
    }
    expect(paged).toEqual(all);
    expect((await get(all.at(-1)!.change_seq, 200)).items).toEqual([]);
  });

  it('are refused from outside the chat, by socket, by REST and through another chat', async () => {
    const [device] = await app.devices(stranger);
    const id = await sent(annaDevice, 'ours');
    const own = await app.chat(stranger, vera);
    for (const refused of [
      await device.send('chat:message:edit', { message_id: id, content: 'x' }),
      await device.send('chat:message:delete', { message_id: id }),
      await device.send('chat:message:react', { message_id: id, emoji: '👍', on: true }),
    ])
      expect(refused.code).toBe('FORBIDDEN');
    const path = `chats/${own.id}/messages/${id}`;
    for (const token of [stranger.token, vera.token])
      expect((await app.request('PATCH', path, token, { content: 'x' })).status).toBeGreaterThanOrEqual(403);
    expect((await stored(id)).content).toBe('ours');
  });

  it('work by REST, too', async () => {
    const id = await sent(borisDevice, 'by REST');
    const path = `chats/${group.id}/messages/${id}`;
    const edited = await app.request<MessageDto>('PATCH', path, boris.token, { content: 'edited' });
    expect([edited.status, edited.body.content]).toEqual([200, 'edited']);
    const body = { emoji: '👍', on: true };
    expect((await app.request('POST', `${path}/reactions`, anna.token, body)).body).toEqual({ status: 'ok' });
    expect((await app.request('DELETE', path, boris.token)).status).toBe(204);
    for (const event of ['chat:message:edited', 'chat:message:reaction', 'chat:message:deleted'] as const)
      await veraDevice.next(event, (m) => m.id === id);
  });
});
