import type { BookingDto, ErrorBody, ServicePage } from '#contracts';
import { at, useBookings } from './scene.js';

const scene = useBookings();
const { offer, request, step } = scene;

const remove = (id: string) => scene.app.request<ErrorBody>('DELETE', `services/${id}`, scene.master.token);
const kept = () =>
  scene.app.rows<{ id: string; deleted: boolean }>(
    'SELECT id, archived_at IS NOT NULL AS deleted FROM services WHERE master_id = $1',
    [scene.master.id],
  );

describe('a deleted service', () => {
  it('is removed completely, and cannot be found', async () => {
    expect((await remove(scene.service.id)).status).toBe(204);
    expect(await kept()).toEqual([]);
    for (const [method, body] of [['GET'], ['PATCH', { price: 1 }], ['DELETE']] as const)
      expect(
        (await scene.app.request(method, `services/${scene.service.id}`, scene.master.token, body)).status,
      ).toBe(404);
  });

  it('is kept for its bookings, and cannot be found either', async () => {
    const { id } = (await request(scene.client, at(2))).body;
    await step(scene.client, id, 'cancel');
    expect((await remove(scene.service.id)).status).toBe(204);
    expect(await kept()).toEqual([{ id: scene.service.id, deleted: true }]);
    for (const [method, body] of [['GET'], ['PATCH', { price: 1 }], ['DELETE']] as const)
      expect(
        (await scene.app.request(method, `services/${scene.service.id}`, scene.master.token, body)).status,
      ).toBe(404);
    const list = await scene.app.request<ServicePage>(
      'GET',
      `services?master_id=${scene.master.id}`,
      scene.client.token,
    );
    expect(list.body.items).toEqual([]);
    const booked = await scene.app.request<BookingDto>('GET', `bookings/${id}`, scene.client.token);
    expect([booked.status, booked.body.service_id]).toEqual([200, scene.service.id]);
  });

  it('while it is booked and changed is kept only if it was booked', async () => {
    for (let round = 1; round <= 10; round++) {
      const { id } = (await offer(scene.master)).body;
      const [booked, ...changes] = await Promise.all([
        request(scene.client, at(round), { service_id: id }),
        remove(id),
        remove(id),
        scene.app.request<ErrorBody>('PATCH', `services/${id}`, scene.master.token, { name: 'Педикюр' }),
      ]);
      expect([201, 404]).toContain(booked.status);
      expect(changes.map(({ status }) => status).filter((status) => status === 204)).toHaveLength(1);
      for (const { status, body } of changes.filter(({ status }) => status > 299))
        expect([status, body.code]).toEqual([404, 'NOT_FOUND']);
      const rows = (await kept()).filter((row) => row.id === id);
      expect(rows).toEqual(booked.status === 201 ? [{ id, deleted: true }] : []);
      // A client may have only five open requests.
      if (booked.status === 201) await step(scene.client, booked.body.id, 'cancel');
    }
  });
});
