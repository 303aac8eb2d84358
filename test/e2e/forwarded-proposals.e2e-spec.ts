import type { ChatDto } from '#contracts';
import { TestApp, type Account } from '#testing';

it('a forwarded proposal keeps its offer, and can be accepted only in its original chat', async () => {
  const app = await TestApp.start();
  const [anna, boris, vera] = await app.people('Анна', 'Борис', 'Вера');
  const [source, target] = [await app.group(anna, boris), await app.group(anna, vera)];
  const [annaDevice] = await app.devices(anna);
  const forward = (id: string) =>
    annaDevice.send('chat:message:forward', { message_ids: [id], to_chat_id: target.id });
  const weekly = [0, 1, 2, 3, 4, 5, 6].map((weekday) => ({ weekday, from: '00:00', to: '24:00' }));
  await app.request('PUT', 'users/me/availability', anna.token, { timezone: 'UTC', weekly });
  const body = { name: 'Маникюр', price: 2000, duration: 60 };
  const service = (await app.request<{ id: string }>('POST', 'services', anna.token, body)).body;
  const proposal = {
    type: 'booking_proposal',
    content: 'Записать вас?',
    metadata: { service_id: service.id },
  };
  const { message_id } = await annaDevice.send('chat:message:send', { chat_id: source.id, ...proposal });
  const day = new Date(Date.now() + 3 * 86_400_000).toISOString().slice(0, 10);
  const accept = (chat: ChatDto, id: string, by: Account, hour: number) =>
    app.request('POST', `chats/${chat.id}/messages/${id}/accept`, by.token, {
      starts_at: `${day}T${hour}:00:00.000Z`,
    });
  const [open] = (await forward(message_id)).items;
  expect((await accept(source, message_id, boris, 10)).status).toBe(201);
  const [taken] = (await forward(message_id)).items;
  for (const item of [open!, taken!]) {
    expect(item.metadata).toEqual({
      service_id: service.id,
      service_name: 'Маникюр',
      price: 2000,
      duration: 60,
    });
    for (const by of [vera, anna])
      expect((await accept(target, item.id, by, 12)).body.code).toBe('INVALID_DATA');
  }
  expect(await app.rows('SELECT FROM bookings WHERE master_id = $1', [anna.id])).toHaveLength(1);
  await app.stop();
});
