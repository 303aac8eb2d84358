import { MAX_PINS, type ChangePage, type ChatDto, type MessageDto } from '#contracts';
import { Device, TestApp, text, type Account } from '#testing';

let app: TestApp;
let anna: Account;
let boris: Account;
let vera: Account;
/** A group of the three, new for each test. */
let group: ChatDto;
let annaDevice: Device;
let borisDevice: Device;
let veraDevice: Device;
beforeAll(async () => {
  app = await TestApp.start();
  [anna, boris, vera] = await app.people('Анна', 'Борис', 'Вера');
  [annaDevice, borisDevice, veraDevice] = await app.devices(anna, boris, vera);
});
afterAll(() => app.stop());
beforeEach(async () => {
  group = await app.group(anna, boris, vera);
});

const sent = async (device: Device, content = 'worth keeping') =>
  (await device.send('chat:message:send', text(group, content))).message_id;
const pin = (device: Device, message_id: string) => device.send('chat:message:pin', { message_id });
const unpin = (device: Device, message_id: string) => device.send('chat:message:unpin', { message_id });
const pins = async (device: Device) => (await device.send('chat:pins', { chat_id: group.id })).items;
const pinnedIds = async () => (await pins(borisDevice)).map(({ id }) => id);
/** The change_seq of the message. That of the chat grows with every receipt. */
const changeSeq = async (id: string) =>
  (await app.rows<{ change_seq: number }>('SELECT change_seq FROM messages WHERE id = $1', [id]))[0]!
    .change_seq;

it('any member pins and unpins; everybody receives it, and history, changes and sync have it', async () => {
  const id = await sent(annaDevice);
  const pinned = await pin(borisDevice, id);
  expect(pinned).toMatchObject({ status: 'ok', message: { id, content: 'worth keeping' } });
  expect(pinned.message.pinned_at).not.toBeNull();
  for (const device of [annaDevice, borisDevice, veraDevice])
    expect(await device.next('chat:message:pinned', (m) => m.id === id)).toEqual(pinned.message);
  const { change_seq, pinned_at } = pinned.message;
  expect(change_seq).toBeGreaterThan(0);
  expect(await app.history(vera, group.id)).toMatchObject([{ id, pinned_at, change_seq }]);
  const path = `chats/${group.id}/changes?after_change_seq=${change_seq - 1}`;
  const { body } = await app.request<ChangePage>('GET', path, vera.token);
  expect(body.items[0]).toMatchObject({ kind: 'message', message: { id, pinned_at } });
  const unpinned = await unpin(veraDevice, id);
  expect(unpinned.message).toMatchObject({ id, pinned_at: null });
  expect(unpinned.message.change_seq).toBeGreaterThan(change_seq);
  for (const device of [annaDevice, borisDevice, veraDevice])
    expect(await device.next('chat:message:unpinned', (m) => m.id === id)).toEqual(unpinned.message);
  expect(await pins(annaDevice)).toEqual([]);
});

it('the newest pin is first, whatever the order of the messages', async () => {
  const [a, b, c] = [await sent(annaDevice, 'a'), await sent(borisDevice, 'b'), await sent(veraDevice, 'c')];
  await Promise.all([pin(annaDevice, c), pin(annaDevice, a)]);
  await pin(annaDevice, b);
  const ids = await pinnedIds();
  expect(ids[0]).toBe(b);
  expect(ids.slice(1).sort()).toEqual([a, c].sort());
  // A message that is pinned again is the newest.
  await unpin(borisDevice, a);
  await pin(borisDevice, a);
  expect((await pinnedIds()).slice(0, 2)).toEqual([a, b]);
  // Also on a server whose clock is behind.
  await app.rows(`UPDATE messages SET pinned_at = now() + interval '1 hour' WHERE id = $1`, [c]);
  await unpin(borisDevice, b);
  await pin(borisDevice, b);
  expect(await pinnedIds()).toEqual([b, c, a]);
  const items = await pins(annaDevice);
  const times = items.map(({ pinned_at }) => pinned_at!);
  expect(times).toEqual([...new Set(times)].sort().reverse());
});

it('pinning twice changes nothing and publishes nothing', async () => {
  const id = await sent(annaDevice);
  const first = await pin(annaDevice, id);
  const before = await changeSeq(id);
  const again = await Promise.all([pin(borisDevice, id), pin(veraDevice, id), pin(annaDevice, id)]);
  for (const { status, message } of again)
    expect([status, message.pinned_at]).toEqual(['ok', first.message.pinned_at]);
  expect(await changeSeq(id)).toBe(before);
  await unpin(annaDevice, id);
  const after = await changeSeq(id);
  expect((await unpin(borisDevice, id)).status).toBe('ok');
  expect(await changeSeq(id)).toBe(after);
  await veraDevice.settled();
  expect(veraDevice.all('chat:message:pinned').filter((m) => m.id === id)).toHaveLength(1);
  expect(veraDevice.all('chat:message:unpinned').filter((m) => m.id === id)).toHaveLength(1);
});

it('a deletion unpins a message, and a deleted message cannot be pinned', async () => {
  const id = await sent(borisDevice);
  await pin(annaDevice, id);
  await borisDevice.send('chat:message:delete', { message_id: id });
  expect(await veraDevice.next('chat:message:deleted', (m) => m.id === id)).toMatchObject({
    pinned_at: null,
  });
  expect(await pins(annaDevice)).toEqual([]);
  expect((await app.history(anna, group.id))[0]!.pinned_at).toBeNull();
  expect([(await pin(annaDevice, id)).code, (await unpin(annaDevice, id)).code]).toEqual([
    'NOT_FOUND',
    'NOT_FOUND',
  ]);
});

it('an edit and a reaction keep the pin', async () => {
  const id = await sent(annaDevice);
  const { message } = await pin(annaDevice, id);
  await annaDevice.send('chat:message:edit', { message_id: id, content: 'edited' });
  await borisDevice.send('chat:message:react', { message_id: id, emoji: '👍', on: true });
  const [item] = await pins(veraDevice);
  expect(item).toMatchObject({ content: 'edited', pinned_at: message.pinned_at, reactions: [{ count: 1 }] });
});

it('a chat has at most 100 pins, also when two members pin at once', async () => {
  const fill = (count: number) =>
    app.rows(
      `INSERT INTO messages (id, chat_id, seq, sender_id, type, content, created_at, pinned_at)
       SELECT gen_random_uuid(), $1, i, $2, 'text', 'pinned', now(), now() - i * interval '1 minute'
       FROM generate_series(1, $3::int) AS i`,
      [group.id, anna.id, count],
    );
  await fill(MAX_PINS - 1);
  await app.rows('UPDATE chats SET last_seq = $2 WHERE id = $1', [group.id, MAX_PINS - 1]);
  const [a, b] = [await sent(annaDevice, 'a'), await sent(borisDevice, 'b')];
  const answers = await Promise.all([pin(annaDevice, a), pin(borisDevice, b)]);
  expect(answers.map(({ status, code }) => code ?? status).sort()).toEqual(['CONFLICT', 'ok']);
  expect(await pins(veraDevice)).toHaveLength(MAX_PINS);
  const [kept, refused] = answers[0].code ? [b, a] : [a, b];
  // Pinning a pinned message again needs no place.
  expect((await pin(veraDevice, kept)).status).toBe('ok');
  await unpin(veraDevice, kept);
  expect((await pin(veraDevice, refused)).status).toBe('ok');
  await veraDevice.settled();
  expect(veraDevice.all('chat:message:pinned').filter(({ chat_id }) => chat_id === group.id)).toHaveLength(2);
});

it('pins come in pages of 1 MB', async () => {
  await app.rows(
    `INSERT INTO messages (id, chat_id, seq, sender_id, type, content, metadata, created_at, pinned_at)
     SELECT gen_random_uuid(), $1, i, $2, 'text', 'pinned', jsonb_build_object('note', repeat('x', 60000)), now(), now() - i * interval '1 ms'
     FROM generate_series(1, $3::int) AS i`,
    [group.id, anna.id, MAX_PINS],
  );
  await app.rows('UPDATE chats SET last_seq = $2 WHERE id = $1', [group.id, MAX_PINS]);
  const seqs: number[] = [];
  let cursor: string | undefined;
  do {
    const page = await veraDevice.send('chat:pins', { chat_id: group.id, cursor });
    expect(Buffer.byteLength(JSON.stringify(page.items))).toBeLessThan(1_000_100);
    const path = `chats/${group.id}/pins${cursor ? `?cursor=${cursor}` : ''}`;
    expect((await app.request('GET', path, vera.token)).body).toEqual({
      items: page.items,
      next_cursor: page.next_cursor,
    });
    seqs.push(...page.items.map(({ seq }) => seq));
    cursor = page.next_cursor ?? undefined;
  } while (cursor);
  expect(seqs).toEqual(Array.from({ length: MAX_PINS }, (_, i) => i + 1));
});

it('pins work by REST, too', async () => {
  const id = await sent(annaDevice);
  const path = `chats/${group.id}/messages/${id}/pin`;
  const pinned = await app.request<MessageDto>('PUT', path, boris.token);
  expect([pinned.status, pinned.body.id]).toEqual([200, id]);
  expect(await veraDevice.next('chat:message:pinned', (m) => m.id === id)).toEqual(pinned.body);
  const listed = await app.request<{ items: MessageDto[] }>('GET', `chats/${group.id}/pins`, vera.token);
  expect([listed.status, listed.body]).toEqual([200, { items: [pinned.body], next_cursor: null }]);
  const unpinned = await app.request<MessageDto>('DELETE', path, vera.token);
  expect([unpinned.status, unpinned.body.pinned_at]).toEqual([200, null]);
  await annaDevice.next('chat:message:unpinned', (m) => m.id === id);
  // A message of another chat is unknown in this one.
  const elsewhere = await app.group(anna, boris);
  const wrong = await app.request('PUT', `chats/${elsewhere.id}/messages/${id}/pin`, boris.token);
  expect([wrong.status, wrong.body.code]).toEqual([404, 'NOT_FOUND']);
});

it('a former member can neither pin nor see the pins', async () => {
  const id = await sent(annaDevice);
  await pin(annaDevice, id);
  await app.request('DELETE', `chats/${group.id}/members/${boris.id}`, anna.token);
  for (const { code } of [
    await pin(borisDevice, id),
    await unpin(borisDevice, id),
    await borisDevice.send('chat:pins', { chat_id: group.id }),
  ])
    expect(code).toBe('FORBIDDEN');
  expect(await pins(veraDevice)).toHaveLength(1);
});

it('a block closes the pins of a direct chat', async () => {
  const direct = await app.chat(anna, vera);
  const { message_id } = await annaDevice.send('chat:message:send', text(direct));
  await app.request('PUT', `users/${vera.id}/block`, anna.token);
  for (const device of [annaDevice, veraDevice])
    expect((await pin(device, message_id)).code).toBe('FORBIDDEN');
  await app.request('DELETE', `users/${vera.id}/block`, anna.token);
});
