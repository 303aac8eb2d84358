/** A day of a master and a client on the same two phones: each notification rings once, on the right phone. */
import { Failure, assertSame } from './check.mjs';
import { line, note, paint, pause, scene } from './screen.mjs';

const DAY_MS = 24 * 3600_000;

export async function playDay(anna, boris) {
  const day = new Day(anna, boris);
  scene('A day of Anna, who does nails, and Boris, her client');
  await day.bookings();
  await day.visit();
  scene('They become friends, and have something to show');
  await day.friends();
  await day.posts();
  await day.regular();
  await day.settle();
  return day.expected;
}

class Day {
  /** Expected notifications: { phone, id, type, bookingId, isOff }; with `isOff`, it has left the list. */
  expected = [];

  constructor(anna, boris) {
    Object.assign(this, { anna, boris });
  }

  /** Waits until a phone rings for this notification, and shows it. */
  async rings(phone, type, expected) {
    const find = () =>
      phone.events.find(
        ({ event, payload }) =>
          event === 'notification:new' &&
          payload.type === type &&
          !this.expected.some(({ id }) => id === payload.id),
      )?.payload;
    const notification = await phone.until(`a notification of ${type}`, find);
    assertSame(`the data of ${type}`, notification.data, expected);
    this.expected.push({ phone, id: notification.id, type, bookingId: expected.booking_id });
    this.show(phone, notification);
    await pause(900);
  }

  show(phone, { title, body }) {
    note(phone.side, `🔔 ${title}`);
    note(phone.side, `   ${body}`);
  }

  async bookings() {
    const { anna, boris } = this;
    const { items } = await boris.request('GET', `services?master_id=${anna.id}`);
    const service = items[0];
    if (!service)
      throw new Failure(`${anna.firstName} offers no services: is this an empty embedded database?`);
    note('right', `${service.name}, ${service.duration} min, ${service.price} ₽: free when?`);
    await pause(700);
    const kept = await this.book(service);
    await anna.request('POST', `bookings/${kept}/confirm`);
    await this.rings(boris, 'booking_confirmed', { booking_id: kept });
    const second = await this.book(service);
    await anna.request('POST', `bookings/${second}/decline`, { reason: 'A day off' });
    await this.rings(boris, 'booking_cancelled', { booking_id: second });
    await boris.request('POST', `bookings/${kept}/cancel`, { reason: 'Caught a cold' });
    await this.rings(anna, 'booking_cancelled', { booking_id: kept });
    for (const one of this.expected) one.isOff ||= one.bookingId === kept && one.type !== 'booking_cancelled';
  }

  async book(service) {
    const { anna, boris } = this;
    const [from, to] = [1, 30].map((days) => new Date(Date.now() + days * DAY_MS).toISOString());
    const slots = await boris.request('GET', `services/${service.id}/slots?from=${from}&to=${to}`);
    if (slots.items.length === 0) throw new Failure(`${anna.firstName} has no free slot in a month`);
    // A random slot: a time that was cancelled twice today is refused.
    const { starts_at } = slots.items[Math.floor(Math.random() * slots.items.length)];
    const booking = await boris.request('POST', 'bookings', { service_id: service.id, starts_at });
    assertSame('the booking', booking, { status: 'requested', starts_at });
    await this.rings(anna, 'booking_request', { booking_id: booking.id });
    return booking.id;
  }

  /** An empty database has a visit of two hours ago: it is completed and reviewed in the first run. */
  async visit() {
    const { anna, boris } = this;
    const { items } = await boris.request('GET', 'bookings?role=client&status=confirmed');
    const visit = items.find(
      ({ ends_at, master }) => master.id === anna.id && Date.parse(ends_at) < Date.now(),
    );
    if (!visit) return note('right', '(today’s visit was reviewed in an earlier run)');
    await anna.request('POST', `bookings/${visit.id}/complete`);
    await boris.request('POST', `bookings/${visit.id}/review`, { rating: 5, text: 'As good as new' });
    await this.rings(anna, 'review_received', { booking_id: visit.id, rating: 5 });
  }

  async friends() {
    const { anna, boris } = this;
    const { items } = await boris.request('GET', 'friends?limit=200');
    if (items.some(({ id }) => id === anna.id)) return note('left', '(friends since an earlier run)');
    const { id } = await boris.request('POST', 'friends/requests', { user_id: anna.id });
    await this.rings(anna, 'friend_request', { request_id: id });
    await anna.request('POST', `friends/requests/${id}/accept`);
    await this.rings(boris, 'friend_accepted', { user_id: anna.id });
  }

  async posts() {
    const { anna, boris } = this;
    const { handle } = await boris.request('GET', 'users/me');
    const post = await anna.request('POST', 'posts', { content: `Before and after, thank you @${handle}` });
    await this.rings(boris, 'mention', { post_id: post.id });
    // A like that is removed and added again is one like, and rings once.
    for (const method of ['PUT', 'DELETE', 'PUT']) await boris.request(method, `posts/${post.id}/like`);
    await this.rings(anna, 'post_liked', { post_id: post.id });
    await boris.request('POST', `posts/${post.id}/comments`, { content: 'Beautiful!' });
    await this.rings(anna, 'post_commented', { post_id: post.id });
    await boris.request('POST', `posts/${post.id}/repost`, {});
    await this.rings(anna, 'post_reposted', { post_id: post.id });
    const live = await anna.until('the live counter', () => anna.received('post:liked'));
    assertSame('post:liked', live, { post_id: post.id, user_id: boris.id, likes_count: 1 });
  }

  /** An empty database has three haircuts at a steady interval, so the next one was proposed. */
  async regular() {
    const { boris } = this;
    const { items } = await boris.request('GET', 'notifications?type=auto_booking_proposal');
    if (items.length !== 1) throw new Failure(`${items.length} proposals of the next visit, not one`);
    this.show(boris, items[0]);
    await pause(900);
  }

  /** Each valid notification is in its list once and was received once, and nobody received another user's. */
  async settle() {
    for (const phone of [this.anna, this.boris]) {
      const { items } = await phone.request('GET', 'notifications?limit=200');
      const received = phone.events.filter(({ event }) => event === 'notification:new');
      const expected = this.expected.filter((one) => one.phone === phone);
      if (received.length !== expected.length)
        throw new Failure(
          `${phone.firstName} received ${received.length} notifications, not ${expected.length}`,
        );
      for (const { id, type, isOff } of expected)
        if (items.filter((item) => item.id === id).length !== (isOff ? 0 : 1))
          throw new Failure(`${type} is not ${isOff ? 'gone from' : 'once in'} ${phone.firstName}'s list`);
      await phone.request('POST', 'notifications/read-all');
      const { unread_count } = await phone.request('GET', 'notifications/unread-count');
      if (unread_count !== 0)
        throw new Failure(`${phone.firstName} has read everything, and ${unread_count} are unread`);
    }
    line(`  ${paint('blue', `✓ ${this.expected.length} notifications, each once and on the right phone`)}`);
    await pause(900);
  }
}
