import { CLIENT_EVENTS, SERVER_EVENTS, type PostDto } from '#contracts';
import { Device, TestApp, text } from '#testing';

/**
 * Two people use every event of the specification. Their devices check all that they receive against the classes of
 * the contract.
 */
it('every event of the specification is sent and received', async () => {
  const app = await TestApp.start({ PRESENCE_GRACE_MS: '20' });
  const [anna, boris, vera] = await app.people('Анна', 'Борис', 'Вера');
  const [annaDevice, tablet, borisDevice] = await app.devices(anna, boris, boris);
  const sent = new Set<string>();
  const send: Device['send'] = (event, payload) => {
    sent.add(event);
    return annaDevice.send(event, payload);
  };
  await send('auth:refresh', { token: anna.token });
  const { chat } = await send('chat:get', { recipient_id: boris.id });
  const chat_id = chat.id;
  await send('chat:join', { chat_id });
  const { message_id } = await send('chat:message:send', text(chat, 'Hello', { client_id: '1' }));
  await send('chat:typing', { chat_id, is_typing: true });
  await send('chat:message:edit', { message_id, content: 'Hello!' });
  await send('chat:message:react', { message_id, emoji: '👍', on: true });
  const answer = await borisDevice.send('chat:message:send', text(chat, 'Hi'));
  await borisDevice.send('chat:message:read', { chat_id, message_id });
  await send('chat:message:delivered', { chat_id, message_id: answer.message_id });
  await send('chat:message:read', { chat_id, message_id: answer.message_id });
  await send('chat:message:pin', { message_id });
  await send('chat:pins', { chat_id });
  await send('chat:message:unpin', { message_id });
  await send('chat:message:forward', { message_ids: [message_id], to_chat_id: chat_id, comment: 'Again' });
  await send('chat:mute', { chat_id, muted: true });
  await send('chat:archive', { chat_id, archived: true });
  await send('chat:message:delete', { message_id });
  await send('chat:leave', { chat_id });
  await send('users:list', { query: 'Борис' });
  await send('presence:get', { user_ids: [boris.id] });
  await send('presence:watch', { user_ids: [vera.id] });
  const group = await app.group(anna, boris);
  await app.request('PATCH', `chats/${group.id}`, anna.token, { title: 'Renamed' });
  await app.request('DELETE', `chats/${group.id}/members/${anna.id}`, anna.token);
  const phone = await app.device(anna);
  const { body: post } = await app.request<PostDto>('POST', 'posts', anna.token, { content: 'Mine' });
  await app.request('PUT', `posts/${post.id}/like`, boris.token);
  const { id: notification_id } = await annaDevice.next('notification:new');
  await app.request('PUT', `posts/${post.id}/like`, vera.token);
  await annaDevice.next('notification:updated');
  await send('notification:read', { notification_id });
  const { body: comment } = await app.request<{ id: string }>(
    'POST',
    `posts/${post.id}/comments`,
    boris.token,
    {
      content: 'Nice',
    },
  );
  await annaDevice.next('notification:new', ({ type }) => type === 'post_commented');
  await app.request('DELETE', `posts/${post.id}/comments/${comment.id}`, boris.token);
  await app.request('DELETE', `posts/${post.id}`, anna.token);
  const weekly = [0, 1, 2, 3, 4, 5, 6].map((weekday) => ({ weekday, from: '00:00', to: '24:00' }));
  await app.request('PUT', 'users/me/availability', boris.token, { timezone: 'UTC', weekly });
  const service = { name: 'Repairs', price: 1, duration: 60 };
  const { body: made } = await app.request<{ id: string }>('POST', 'services', boris.token, service);
  const tomorrow = new Date((Math.floor(Date.now() / 86_400_000) + 2) * 86_400_000).toISOString();
  await app.request('POST', 'bookings', anna.token, { service_id: made.id, starts_at: tomorrow });
  await app.request('PATCH', 'users/me', boris.token, { name: 'Борис Новый' });
  const veraDevice = await app.device(vera);
  veraDevice.close();
  annaDevice.socket.emit('nonsense', {});
  expect([...sent].sort()).toEqual(Object.keys(CLIENT_EVENTS).sort());
  const received = () =>
    new Set(
      [annaDevice, phone, tablet, borisDevice].flatMap((device) => device.received.map(({ event }) => event)),
    );
  await annaDevice.next('user:offline');
  await annaDevice.next('error');
  await annaDevice.until(() => received().size >= Object.keys(SERVER_EVENTS).length || undefined);
  expect([...received()].sort()).toEqual(Object.keys(SERVER_EVENTS).sort());
  await app.stop();
});
