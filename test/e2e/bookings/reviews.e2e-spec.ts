import { ReviewDto, ReviewPage, type BookingDto, type ServiceDto } from '#contracts';
import { contractErrors, type Account } from '#testing';
import {
  app,
  at,
  ban,
  booked,
  client,
  masterDevice,
  clientDevice,
  master,
  put,
  request,
  service,
  setScene,
  sorted,
  stranger,
  notified,
} from './scene.js';

setScene();

describe('a review', () => {
  const review = (account: Account, id: string, body: object = { rating: 5 }) =>
    app.request<ReviewDto>('POST', `bookings/${id}/review`, account.token, body);
  const completed = async (hour: number) => {
    const { id } = await booked(2, hour);
    await put(id, 'completed');
    return id;
  };
  const reviews = async (query = '') => {
    const { body } = await app.request<ReviewPage>(
      'GET',
      `users/${master.id}/reviews${query}`,
      stranger.token,
    );
    expect(contractErrors(ReviewPage, body)).toEqual([]);
    return body;
  };

  it('belongs to the client of a completed booking, once', async () => {
    const id = await completed(1);
    expect((await review(master, id)).body.code).toBe('FORBIDDEN');
    expect((await review(stranger, id)).body.code).toBe('FORBIDDEN');
    for (const body of [
      {},
      { rating: 0 },
      { rating: 6 },
      { rating: 4.5 },
      { rating: '5' },
      { rating: 5, text: 1 },
    ])
      expect([body, (await review(client, id, body)).body.code]).toEqual([body, 'INVALID_DATA']);
    const open = await booked(3);
    expect((await review(client, open.id)).body).toMatchObject({ code: 'CONFLICT', reason: 'wrong_state' });
    const replies = await Promise.all(
      [1, 2, 3, 4].map((rating) => review(client, id, { rating, text: 'Хорошо' })),
    );
    expect(sorted(replies.map(({ status }) => status))).toEqual([201, 409, 409, 409]);
    for (const { body } of replies.filter(({ status }) => status === 409))
      expect(body).toMatchObject({ reason: 'already_reviewed' });
    const made = replies.find(({ status }) => status === 201)!.body;
    expect(contractErrors(ReviewDto, made)).toEqual([]);
    expect(made).toMatchObject({ booking_id: id, author: { id: client.id, name: 'Борис' }, text: 'Хорошо' });

    for (const device of [masterDevice, clientDevice])
      await device.next('booking:updated', (b) => b.id === id && b.review?.id === made.id);
    expect((await app.request<BookingDto>('GET', `bookings/${id}`, master.token)).body.review).toEqual(made);
    const data = { review_id: made.id, booking_id: id, user_id: client.id, rating: made.rating };
    expect(await notified('review_received', id)).toMatchObject([
      { to: [master.id], actorId: client.id, data },
    ]);
    expect(await reviews()).toMatchObject({ items: [made], average: made.rating, count: 1 });
  });

  it('updates the master’s average and count, also when many arrive at once', async () => {
    const { body: before } = await app.request<ServiceDto>('GET', `services/${service.id}`, client.token);
    expect(before.master).toMatchObject({ rating: null, reviews_count: 0 });
    expect(await reviews()).toEqual({ items: [], next_cursor: null, average: null, count: 0 });
    const ratings = [5, 4, 4, 1, 5, 2, 3];
    const ids = [];
    for (const hour of ratings.keys()) ids.push(await completed(hour));
    await Promise.all(ids.map((id, i) => review(client, id, { rating: ratings[i] })));
    const { body } = await app.request<ServiceDto>('GET', `services/${service.id}`, client.token);
    expect(body.master).toMatchObject({ rating: 3.4, reviews_count: 7 });
    const first = await reviews('?limit=4');
    const rest = await reviews(`?limit=4&cursor=${first.next_cursor}`);
    expect([first.average, first.count, rest.next_cursor]).toEqual([3.4, 7, null]);
    expect([...first.items, ...rest.items].map((r) => r.booking_id).sort()).toEqual(ids.sort());
    for (const pair of [
      [client.id, stranger.id],
      [stranger.id, client.id],
    ]) {
      await app.rows('INSERT INTO blocks (blocker_id, blocked_id) VALUES ($1, $2)', pair);
      expect(await reviews()).toMatchObject({ items: [], average: 3.4, count: 7 });
      await app.rows('DELETE FROM blocks');
    }
  });

  it('of a banned client is neither shown nor counted until an unban', async () => {
    const [mine, clientDevice] = [await completed(1), (await request(stranger, at(2, 5))).body.id];
    await put(clientDevice, 'completed');
    await review(client, mine, { rating: 1 });
    await review(stranger, clientDevice, { rating: 4 });
    const booking = async () =>
      (await app.request<BookingDto>('GET', `bookings/${mine}`, master.token)).body.review;
    const rating = async () =>
      (await app.request<ServiceDto>('GET', `services/${service.id}`, master.token)).body.master;
    const look = async () => {
      const page = await app.request<ReviewPage>('GET', `users/${master.id}/reviews`, master.token);
      const { items, average, count } = page.body;
      return [
        items.map((r) => r.booking_id),
        average,
        count,
        (await rating()).rating,
        (await booking())?.rating,
      ];
    };
    const before = [[clientDevice, mine], 2.5, 2, 2.5, 1];
    expect(await look()).toEqual(before);
    for (let round = 0; round < 2; round++) {
      expect(await Promise.all([ban(client), ban(client)])).toEqual([200, 200]);
      expect(await look()).toEqual([[clientDevice], 4, 1, 4, undefined]);
      await Promise.all([ban(client, 'unban'), ban(client, 'unban')]);
      expect(await look()).toEqual(before);
    }
  });
});
