import type { ChatDto, MessageDto, PostDto } from '#contracts';
import { Device, TestApp, text, type Account } from '#testing';
import { randomUUID } from 'node:crypto';
import { specifiedMessages } from '../specified-messages.js';

let app: TestApp;
let anna: Account;
let boris: Account;
let chat: ChatDto;
let annaDevice: Device;
let borisDevice: Device;
beforeAll(async () => {
  app = await TestApp.start();
  [anna, boris] = await app.people('Анна', 'Борис');
  chat = await app.chat(anna, boris);
  [annaDevice, borisDevice] = await app.devices(anna, boris);
});
afterAll(() => app.stop());

const send = (message: object) => annaDevice.send('chat:message:send', { chat_id: chat.id, ...message });
const count = async () => (await app.rows('SELECT FROM messages')).length;
const unknown = { caption: 'my own', nested: { deep: [1, null, 'x', { y: true }] }, '': 0, valueOf: 'x' };

describe('a specified message with extra metadata arrives unchanged:', () => {
  const { text, photo, video, voice, location } = specifiedMessages(randomUUID());
  it.each<[string, { content: string; metadata?: object }]>([
    ...Object.entries({ text, photo, video, voice, location }),
    ['text', { content: '  kept as it was typed\n\t ' }],
    ['voice', { content: 'http://localhost:9000/789.m4a', metadata: { duration: 0.4 } }],
    ['location', { content: '', metadata: { lat: -90, lng: 180 } }],
  ])('%s %j', async (type, message) => {
    const metadata = { ...message.metadata, ...unknown };
    const { status, message_id } = await send({ type, ...message, metadata });
    expect(status).toBe('sent');
    const live = await borisDevice.next('chat:message:new', ({ id }) => id === message_id);
    expect(live).toMatchObject({ type, content: message.content });
    expect(live.metadata).toEqual(metadata);
    const [kept] = (await app.history(boris, chat.id)).slice(-1);
    // It has been delivered by now.
    expect({ ...kept, status: 'sent' }).toEqual(live);
  });

  it.each([
    ['photo', 'http://minio_1:9000/a.jpg', {}],
    ['photo', 'https://example.com/1', null],
    ['photo', 'https://example.com/1', undefined],
    ['photo', 'https://example.com/1', { height: 480 }],
    ['photo', 'https://example.com/1', { width: null, height: null, thumbnail: null }],
    ['video', 'https://example.com/1', undefined],
    ['video', 'https://example.com/1', { thumbnail: 'https://example.com/2' }],
    ['voice', 'https://example.com/1', undefined],
    ['voice', 'https://example.com/1', { waveform: [1, 2] }],
  ])('%s %s with metadata %j', async (type, content, metadata) => {
    const { message_id } = await send({ type, content, metadata });
    const live = await borisDevice.next('chat:message:new', ({ id }) => id === message_id);
    expect([live.content, live.metadata]).toEqual([content, metadata ?? {}]);
  });

  it.each([
    ['55.7558,37.6173', { lat: 55.7558, lng: 37.6173 }],
    [' +55.7558 ,\t-37.6173\n', { lat: 55.7558, lng: -37.6173 }],
    ['-90,180', { lat: -90, lng: 180 }],
    ['.5,-.25', { lat: 0.5, lng: -0.25 }],
    ['51.,1.2e-7', { lat: 51, lng: 1.2e-7 }],
  ])(
    'location %j gets its numbers as metadata, also when it is edited and forwarded',
    async (content, place) => {
      const { message_id } = await send({ type: 'location', content, metadata: { icon: 'pin' } });
      const live = await borisDevice.next('chat:message:new', ({ id }) => id === message_id);
      expect([live.content, live.metadata]).toEqual([content, { icon: 'pin', ...place }]);
      const edit = (text: string) => annaDevice.send('chat:message:edit', { message_id, content: text });
      expect((await edit('Кафе у метро')).message.metadata).toEqual({ icon: 'pin', ...place });
      const moved = { icon: 'pin', lat: 59.93, lng: 30.31 };
      expect((await edit('59.93, 30.31')).message.metadata).toEqual(moved);
      expect(await edit('91,0')).toMatchObject({
        code: 'INVALID_DATA',
        details: [{ field: 'metadata.lat' }],
      });
      const forward = { message_ids: [message_id], to_chat_id: chat.id };
      const { items } = await annaDevice.send('chat:message:forward', forward);
      expect(items[0]).toMatchObject({ content: '59.93, 30.31', metadata: moved });
    },
  );

  it('location prefers its metadata to its content', async () => {
    const metadata = { lat: 1, lng: 2, address: 'Здесь' };
    const { message_id } = await send({ type: 'location', content: '55.7,37.6', metadata });
    const live = await borisDevice.next('chat:message:new', ({ id }) => id === message_id);
    expect(live.metadata).toEqual(metadata);
    const { message } = await annaDevice.send('chat:message:edit', { message_id, content: '3,4' });
    expect(message.metadata).toEqual({ lat: 3, lng: 4 });
  });

  it('profile_share gets the current name, picture and trade', async () => {
    const claimed = { name: 'Forged', avatar: 'https://example.com/x.jpg', is_master: true };
    const metadata = { ...claimed, ...unknown };
    const { message_id } = await send({ type: 'profile_share', content: boris.id, metadata });
    const live = await borisDevice.next('chat:message:new', ({ id }) => id === message_id);
    expect(live.content).toBe(boris.id);
    expect(live.metadata).toEqual({ ...unknown, name: 'Борис', avatar: null, is_master: false });
  });
});

describe('post_share', () => {
  const share = async (content: string) => {
    const claimed = { author_id: 'forged', author_name: 'Forged', media_url: 'https://example.com/x.jpg' };
    return send({ type: 'post_share', content, metadata: { ...claimed, ...unknown } });
  };
  const write = async (author: Account, body: object) =>
    (await app.request<PostDto>('POST', 'posts', author.token, body)).body;

  it('gets the current name of the author and the first picture of the post', async () => {
    const media_urls = ['https://storage.service.com/posts/post.jpg', 'https://storage.service.com/2.jpg'];
    for (const [body, media_url] of [
      [{ content: '', media_urls }, media_urls[0]],
      [{ content: 'Без картинки' }, null],
    ] as const) {
      const post = await write(boris, body);
      const { message_id } = await share(post.id);
      const live = await borisDevice.next('chat:message:new', ({ id }) => id === message_id);
      expect(live.content).toBe(post.id);
      expect(live.metadata).toEqual({ ...unknown, author_id: boris.id, author_name: 'Борис', media_url });
    }
  });

  it('of a repost gets the author and picture of the original', async () => {
    const vera = await app.register('Вера');
    const media_urls = ['https://storage.service.com/posts/original.jpg'];
    const original = await write(vera, { content: 'Смотрите', media_urls });
    const repost = await app.request<PostDto>('POST', `posts/${original.id}/repost`, boris.token, {
      content: 'Вот',
    });
    const { message_id } = await share(repost.body.id);
    const live = await borisDevice.next('chat:message:new', ({ id }) => id === message_id);
    expect(live.content).toBe(repost.body.id);
    expect(live.metadata).toEqual({
      ...unknown,
      author_id: vera.id,
      author_name: 'Вера',
      media_url: media_urls[0],
    });
  });

  it('and profile_share lose a picture that is removed, wherever the message is shown', async () => {
    const vera = await app.register('Вера');
    const avatar = 'https://storage.service.com/vera.jpg';
    await app.ask(vera, 'PATCH users/me', { avatar });
    const media_urls = ['https://storage.service.com/posts/secret.jpg'];
    const post = await write(vera, { content: 'Секрет', media_urls });
    const kept = await write(vera, { content: 'Остаётся', media_urls });
    const { id: repostId } = await app.ask(boris, `POST posts/${post.id}/repost`, { content: 'Вот' });
    const sent: string[] = [];
    for (const id of [kept.id, post.id, repostId]) sent.push((await share(id)).message_id);
    sent.push((await send({ type: 'profile_share', content: vera.id })).message_id);
    const pictureOf = ({ metadata }: MessageDto) => metadata.media_url ?? metadata.avatar ?? null;
    const pictures = (messages: MessageDto[]) =>
      sent.map((message_id) => pictureOf(messages.find(({ id }) => id === message_id)!));
    expect(pictures(await app.history(boris, chat.id))).toEqual([
      ...Array.from({ length: 3 }, () => media_urls[0]),
      avatar,
    ]);

    await app.request('DELETE', `posts/${post.id}`, vera.token);
    await app.ask(vera, 'PATCH users/me', { avatar: null });
    const left = [media_urls[0], null, null, null];
    expect(pictures(await app.history(boris, chat.id))).toEqual(left);
    const pinned = [];
    for (const message_id of sent) {
      await annaDevice.send('chat:message:pin', { message_id });
      pinned.push(await borisDevice.next('chat:message:pinned', ({ id }) => id === message_id));
    }
    expect(pictures(pinned)).toEqual(left);
    for (const route of ['pins', 'messages/search?query=вера'])
      expect(
        pictures((await app.ask<{ items: MessageDto[] }>(boris, `GET chats/${chat.id}/${route}`)).items),
      ).toEqual(left);
    expect(pictureOf((await app.ask<ChatDto>(boris, `GET chats/${chat.id}`)).last_message!)).toBeNull();
    const forward = { message_ids: sent, to_chat_id: chat.id };
    expect((await annaDevice.send('chat:message:forward', forward)).items.map(pictureOf)).toEqual(left);
  });

  it('is refused for a post that the sender may not see', async () => {
    const vera = await app.register('Вера');
    const post = await write(vera, { content: 'x' });
    expect((await share(post.id)).status).toBe('sent');
    await app.request('PUT', `users/${anna.id}/block`, vera.token);
    const answers = [await share(post.id), await send({ type: 'profile_share', content: vera.id })];
    for (const { code, details } of answers)
      expect([code, details?.[0]?.field]).toEqual(['INVALID_DATA', 'content']);
  });
});

describe('a missing or wrong field is refused by name, and nothing is stored:', () => {
  const url = 'https://example.com/1';
  it.each<[field: string, message: object]>([
    ['type', { content: 'x' }],
    ['type', { type: 'sticker', content: 'x' }],
    ['type', { type: 'toString', content: 'x' }],
    ['content', { type: 'text' }],
    ['content', { type: 'text', content: '' }],
    ['content', { type: 'text', content: ' \n\t ' }],
    ['content', { type: 'text', content: 5 }],
    ['content', { type: 'text', content: null }],
    ['metadata', { type: 'text', content: 'x', metadata: 'text' }],
    ['metadata', { type: 'text', content: 'x', metadata: [] }],
    ['client_id', { type: 'text', content: 'x', client_id: '' }],
    ['client_id', { type: 'text', content: 'x', client_id: 'x'.repeat(65) }],
    ['client_id', { type: 'text', content: 'x', client_id: 1 }],
    ['reply_to', { type: 'text', content: 'x', reply_to: 'no id' }],
    ['content', { type: 'photo', content: 'not a link', metadata: { width: 1, height: 1 } }],
    ['content', { type: 'photo', content: 'javascript:alert(1)', metadata: { width: 1, height: 1 } }],
    ['content', { type: 'photo', content: 'ftp://example.com/1', metadata: { width: 1, height: 1 } }],
    ['content', { type: 'photo', content: 'https://anna@example.com/1' }],
    ['content', { type: 'voice', content: 'https://example.com/a b' }],
    ['metadata.width', { type: 'photo', content: url, metadata: { width: '640' } }],
    ['metadata.width', { type: 'photo', content: url, metadata: { width: 0, height: 1 } }],
    ['metadata.height', { type: 'photo', content: url, metadata: { width: 1, height: 1.5 } }],
    ['metadata.height', { type: 'photo', content: url, metadata: { width: 1, height: '1' } }],
    [
      'metadata.thumbnail',
      { type: 'photo', content: url, metadata: { width: 1, height: 1, thumbnail: 'x' } },
    ],
    ['content', { type: 'video', content: 'x', metadata: { duration: 1 } }],
    ['metadata.duration', { type: 'video', content: url, metadata: { duration: 0 } }],
    ['metadata.thumbnail', { type: 'video', content: url, metadata: { duration: 1, thumbnail: 1 } }],
    ['content', { type: 'voice', content: '', metadata: { duration: 1 } }],
    ['metadata.duration', { type: 'voice', content: url, metadata: { duration: -1 } }],
    ['metadata.duration', { type: 'voice', content: url, metadata: { duration: '15' } }],
    ['content', { type: 'location', content: '' }],
    ['content', { type: 'location', content: 'Кафе', metadata: { lat: null, lng: null } }],
    ['content', { type: 'location', content: '55.75;37.61' }],
    ['content', { type: 'location', content: '55,75,37,61' }],
    ['content', { type: 'location', content: '55.75, 37.61, 10' }],
    ['content', { type: 'location', content: 'NaN,Infinity' }],
    ['metadata.lat', { type: 'location', content: '90.1, 0' }],
    ['metadata.lat', { type: 'location', content: '1e3,0' }],
    ['metadata.lng', { type: 'location', content: '0,-180.5' }],
    ['metadata.lat', { type: 'location', content: '55.75,37.61', metadata: { lng: 0 } }],
    ['metadata.lat', { type: 'location', content: '55.75,37.61', metadata: { lat: '55', lng: 0 } }],
    ['metadata.lat', { type: 'location', content: '', metadata: { lng: 0 } }],
    ['metadata.lat', { type: 'location', content: '', metadata: { lat: 90.1, lng: 0 } }],
    ['metadata.lat', { type: 'location', content: '', metadata: { lat: null, lng: 0 } }],
    ['metadata.lng', { type: 'location', content: '', metadata: { lat: 0 } }],
    ['metadata.lng', { type: 'location', content: '', metadata: { lat: 0, lng: -180.1 } }],
    ['metadata.address', { type: 'location', content: '', metadata: { lat: 0, lng: 0, address: 1 } }],
    ['content', { type: 'profile_share', content: 'somebody' }],
    ['content', { type: 'profile_share', content: randomUUID() }],
    ['content', { type: 'post_share', content: 'some post' }],
    ['content', { type: 'post_share', content: randomUUID() }],
    ['metadata.service_id', { type: 'booking_proposal', content: 'Хотите записаться?' }],
    ['metadata.service_id', { type: 'booking_proposal', content: 'x', metadata: { service_id: 'x' } }],
    [
      'metadata.service_id',
      { type: 'booking_proposal', content: 'x', metadata: { service_id: randomUUID() } },
    ],
    ['content', { type: 'booking_proposal', content: ' ', metadata: { service_id: randomUUID() } }],
  ])('%s of %j', async (field, message) => {
    const before = await count();
    const answers = [
      await send(message),
      (await app.request<object>('POST', `chats/${chat.id}/messages`, anna.token, message)).body,
    ] as { code?: string; details?: { field: string }[] }[];
    for (const { code, details } of answers) {
      expect(code).toBe('INVALID_DATA');
      expect(details!.map((detail) => detail.field)).toContain(field);
    }
    expect(await count()).toBe(before);
  });
});

describe('the size limit', () => {
  it('is 4,000 characters, with an emoji as one', async () => {
    for (const character of ['x', 'я', '😀']) {
      const before = await count();
      const { message_id } = await annaDevice.send('chat:message:send', text(chat, character.repeat(4000)));
      const live = await borisDevice.next('chat:message:new', ({ id }) => id === message_id);
      expect(live.content).toBe(character.repeat(4000));
      expect((await annaDevice.send('chat:message:send', text(chat, character.repeat(4001)))).code).toBe(
        'MESSAGE_TOO_LARGE',
      );
      expect(await count()).toBe(before + 1);
    }
  });

  it('is 8 KiB of metadata', async () => {
    const before = await count();
    const metadata = (bytes: number) => ({ x: 'я'.repeat((bytes - '{"x":""}'.length) / 2) });
    expect((await send({ type: 'text', content: 'x', metadata: metadata(8192) })).status).toBe('sent');
    const refused = await send({ type: 'text', content: 'x', metadata: metadata(8194) });
    expect([refused.code, refused.details?.[0]?.field]).toEqual(['INVALID_DATA', 'metadata']);
    expect(await count()).toBe(before + 1);
  });

  it('is 64 KiB of payload on sockets and REST, with one answer and the connection kept', async () => {
    const before = await count();
    for (const size of [65_537, 200_000, 1_500_000]) {
      const message = text(chat, 'x', { metadata: { x: 'x'.repeat(size) } });
      expect((await annaDevice.send('chat:message:send', message)).code).toBe('MESSAGE_TOO_LARGE');
      annaDevice.socket.emit('chat:message:send', message);
      const { status, body } = await app.request('POST', `chats/${chat.id}/messages`, anna.token, message);
      expect([status, body.code]).toEqual([413, 'MESSAGE_TOO_LARGE']);
    }
    await annaDevice.settled();
    expect(annaDevice.all('error').map(({ code }) => code)).toEqual(Array(3).fill('MESSAGE_TOO_LARGE'));
    expect(annaDevice.socket.connected).toBe(true);
    expect(await count()).toBe(before);
  });
});
