import type { BookingDto, ErrorBody, ServicePage } from '#contracts';
import { app, at, client, master, offer, request, service, setScene, step } from './scene.js';

setScene();

const remove = (id: string) => app.request<ErrorBody>('DELETE', `services/${id}`, master.token);
const kept = () =>
  app.rows<{ id: string; deleted: boolean }>(
    'SELECT id, archived_at IS NOT NULL AS deleted FROM services WHERE master_id = $1',
    [master.id],
  );

describe('a deleted service', () => {
  it('is removed completely, and cannot be found', async () => {
    expect((await remove(service.id)).status).toBe(204);
    expect(await kept()).toEqual([]);
    for (const [method, body] of [['GET'], ['PATCH', { price: 1 }], ['DELETE']] as const)
      expect((await app.request(method, `services/${service.id}`, master.token, body)).status).toBe(404);
  });

  it('is kept for its bookings, and cannot be found either', async () => {
    const { id } = (await request(client, at(2))).body;
    await step(client, id, 'cancel');
    expect((await remove(service.id)).status).toBe(204);
    expect(await kept()).toEqual([{ id: service.id, deleted: true }]);
    for (const [method, body] of [['GET'], ['PATCH', { price: 1 }], ['DELETE']] as const)
      expect((await app.request(method, `services/${service.id}`, master.token, body)).status).toBe(404);
    const list = await app.request<ServicePage>('GET', `services?master_id=${master.id}`, client.token);
    expect(list.body.items).toEqual([]);
    const booked = await app.request<BookingDto>('GET', `bookings/${id}`, client.token);
    expect([booked.status, booked.body.service_id]).toEqual([200, service.id]);
  });

  it('while it is booked and changed is kept only if it was booked', async () => {
    for (let round = 1; round <= 10; round++) {
      const { id } = (await offer(master)).body;
      const [booked, ...changes] = await Promise.all([
        request(client, at(round), { service_id: id }),
        remove(id),
        remove(id),
        app.request<ErrorBody>('PATCH', `services/${id}`, master.token, { name: 'Педикюр' }),
      ]);
      expect([201, 404]).toContain(booked.status);
      expect(changes.map(({ status }) => status).filter((status) => status === 204)).toHaveLength(1);
      for (const { status, body } of changes.filter(({ status }) => status > 299))
        expect([status, body.code]).toEqual([404, 'NOT_FOUND']);
      const rows = (await kept()).filter((row) => row.id === id);
      expect(rows).toEqual(booked.status === 201 ? [{ id, deleted: true }] : []);
      // A client may have only five open requests.
      if (booked.status === 201) await step(client, booked.body.id, 'cancel');
    }
  });
});
