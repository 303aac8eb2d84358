import { ReviewDto, ReviewPage, type BookingDto, type ServiceDto } from '#contracts';
import { contractErrors, type Account } from '#testing';
import { at, sorted, useBookings } from './scene.js';

const scene = useBookings();
const { ban, book, setBooking, request, notified } = scene;

describe('a review', () => {
  const review = (account: Account, id: string, body: object = { rating: 5 }) =>
    scene.app.request<ReviewDto>('POST', `bookings/${id}/review`, account.token, body);
  const completed = async (hour: number) => {
    const { id } = await book(2, hour);
    await setBooking(id, 'completed');
    return id;
  };
  const reviews = async (query = '') => {
    const { body } = await scene.app.request<ReviewPage>(
      'GET',
      `users/${scene.master.id}/reviews${query}`,
      scene.stranger.token,
    );
    expect(contractErrors(ReviewPage, body)).toEqual([]);
    return body;
  };

  it('belongs to the client of a completed booking, once', async () => {
    const id = await completed(1);
    expect((await review(scene.master, id)).body.code).toBe('FORBIDDEN');
    expect((await review(scene.stranger, id)).body.code).toBe('FORBIDDEN');
    for (const body of [
      {},
      { rating: 0 },
      { rating: 6 },
      { rating: 4.5 },
      { rating: '5' },
      { rating: 5, text: 1 },
    ])
      expect([body, (await review(scene.client, id, body)).body.code]).toEqual([body, 'INVALID_DATA']);
    const open = await book(3);
    expect((await review(scene.client, open.id)).body).toMatchObject({
      code: 'CONFLICT',
      reason: 'wrong_state',
    });
    const replies = await Promise.all(
      [1, 2, 3, 4].map((rating) => review(scene.client, id, { rating, text: 'Хорошо' })),
    );
    expect(sorted(replies.map(({ status }) => status))).toEqual([201, 409, 409, 409]);
    for (const { body } of replies.filter(({ status }) => status === 409))
      expect(body).toMatchObject({ reason: 'already_reviewed' });
    const made = replies.find(({ status }) => status === 201)!.body;
    expect(contractErrors(ReviewDto, made)).toEqual([]);
    expect(made).toMatchObject({
      booking_id: id,
      author: { id: scene.client.id, name: 'Борис' },
      text: 'Хорошо',
    });

    for (const device of [scene.masterDevice, scene.clientDevice])
      await device.next('booking:updated', (b) => b.id === id && b.review?.id === made.id);
    expect(
      (await scene.app.request<BookingDto>('GET', `bookings/${id}`, scene.master.token)).body.review,
    ).toEqual(made);
    const data = { review_id: made.id, booking_id: id, user_id: scene.client.id, rating: made.rating };
    expect(await notified('review_received', id)).toMatchObject([
      { to: [scene.master.id], actorId: scene.client.id, data },
    ]);
    expect(await reviews()).toMatchObject({ items: [made], average: made.rating, count: 1 });
  });

  it('updates the master’s average and count, also when many arrive at once', async () => {
    const { body: before } = await scene.app.request<ServiceDto>(
      'GET',
      `services/${scene.service.id}`,
      scene.client.token,
    );
    expect(before.master).toMatchObject({ rating: null, reviews_count: 0 });
    expect(await reviews()).toEqual({ items: [], next_cursor: null, average: null, count: 0 });
    const ratings = [5, 4, 4, 1, 5, 2, 3];
    const ids = [];
    for (const hour of ratings.keys()) ids.push(await completed(hour));
    await Promise.all(ids.map((id, i) => review(scene.client, id, { rating: ratings[i] })));
    const { body } = await scene.app.request<ServiceDto>(
      'GET',
      `services/${scene.service.id}`,
      scene.client.token,
    );
    expect(body.master).toMatchObject({ rating: 3.4, reviews_count: 7 });
    const first = await reviews('?limit=4');
    const rest = await reviews(`?limit=4&cursor=${first.next_cursor}`);
    expect([first.average, first.count, rest.next_cursor]).toEqual([3.4, 7, null]);
    expect([...first.items, ...rest.items].map((r) => r.booking_id).sort()).toEqual(ids.sort());
    for (const pair of [
      [scene.client.id, scene.stranger.id],
      [scene.stranger.id, scene.client.id],
    ]) {
      await scene.app.rows('INSERT INTO blocks (blocker_id, blocked_id) VALUES ($1, $2)', pair);
      expect(await reviews()).toMatchObject({ items: [], average: 3.4, count: 7 });
      await scene.app.rows('DELETE FROM blocks');
    }
  });

  it('of a banned client is neither shown nor counted until an unban', async () => {
    const [mine, clientDevice] = [await completed(1), (await request(scene.stranger, at(2, 5))).body.id];
    await setBooking(clientDevice, 'completed');
    await review(scene.client, mine, { rating: 1 });
    await review(scene.stranger, clientDevice, { rating: 4 });
    const booking = async () =>
      (await scene.app.request<BookingDto>('GET', `bookings/${mine}`, scene.master.token)).body.review;
    const rating = async () =>
      (await scene.app.request<ServiceDto>('GET', `services/${scene.service.id}`, scene.master.token)).body
        .master;
    const look = async () => {
      const page = await scene.app.request<ReviewPage>(
        'GET',
        `users/${scene.master.id}/reviews`,
        scene.master.token,
      );
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
      expect(await Promise.all([ban(scene.client), ban(scene.client)])).toEqual([200, 200]);
      expect(await look()).toEqual([[clientDevice], 4, 1, 4, undefined]);
      await Promise.all([ban(scene.client, 'unban'), ban(scene.client, 'unban')]);
      expect(await look()).toEqual(before);
    }
  });
});
