import type { BookingDto, MessageDto, ReviewDto } from '#contracts';
import { lockBookings } from '#identity';
import { PrismaService, type Prisma } from '#platform';
import type { Account } from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ALWAYS,
  app,
  at,
  booked,
  client,
  hers,
  his,
  master,
  offer,
  put,
  request,
  service,
  setScene,
  step,
  stored,
  stranger,
  told,
} from './scene.js';

setScene();

const block = async (who: Account, whom: Account, method = 'PUT') =>
  (await app.request(method, `users/${whom.id}/block`, who.token)).status;
const live = () =>
  app.rows(`SELECT FROM bookings WHERE master_id = $1 AND client_id = $2 AND status = 'requested'`, [
    master.id,
    client.id,
  ]);

// Whoever of the two blocks: it cuts both ways.
describe.each(['the master', 'the client'])('a block by %s', (who) => {
  const cut = (method?: string) =>
    who === 'the master' ? block(master, client, method) : block(client, master, method);

  it('ends what either has requested of the other, and leaves what is confirmed and what is others’', async () => {
    const [asked, confirmed] = [await booked(2), await booked(3)];
    await step(master, confirmed.id, 'confirm');
    const others = (await request(stranger, at(4))).body;
    const own = (await offer(client)).body;
    await app.request('PUT', 'users/me/availability', client.token, ALWAYS);
    const back = (await request(master, at(2), { service_id: own.id })).body;
    expect(await cut()).toBe(204);
    for (const [{ id }, status] of [
      [asked, 'cancelled'],
      [back, 'cancelled'],
      [confirmed, 'confirmed'],
      [others, 'requested'],
    ] as const)
      expect([id, await stored(id)]).toEqual([id, expect.objectContaining({ status, reason: null })]);
    for (const device of [hers, his])
      for (const { id } of [asked, back])
        await device.next('booking:updated', (b) => b.id === id && b.status === 'cancelled');
    expect(await told('booking_cancelled', asked.id)).toEqual([]);
    expect((await request(stranger, at(2))).status).toBe(201);
    expect((await request(client, at(5))).body.code).toBe('NOT_FOUND');
    await cut('DELETE');
    expect((await stored(asked.id)).status).toBe('cancelled');
    expect((await request(client, at(5))).status).toBe(201);
  });

  it('lets either side call a confirmed visit off, without a word', async () => {
    const bookings = [await booked(2), await booked(3)];
    for (const { id } of bookings) await step(master, id, 'confirm');
    await cut();
    for (const [i, side] of [master, client].entries()) {
      const { id } = bookings[i]!;
      const { status, body } = await step(side, id, 'cancel', { reason: 'Ещё увидимся' });
      expect([status, body.status, body.reason]).toEqual([200, 'cancelled', null]);
      expect(await told('booking_cancelled', id)).toMatchObject([{ data: { reason: null } }]);
    }
  });

  it('lets no review pass', async () => {
    const { id } = await booked();
    await put(id, 'completed');
    await cut();
    const review = () =>
      app.request<ReviewDto>('POST', `bookings/${id}/review`, client.token, { rating: 1, text: 'Плохо' });
    const refused = await review();
    expect([refused.status, refused.body.code]).toEqual([403, 'FORBIDDEN']);
    expect(await app.rows('SELECT FROM reviews WHERE booking_id = $1', [id])).toEqual([]);
    await cut('DELETE');
    expect((await review()).status).toBe(201);
  });
});

describe('at the same moment', () => {
  /** Does something while it holds the pair's lock and `other` waits for it. */
  const whileWaiting = async <T>(
    other: () => Promise<T>,
    meanwhile: (tx: Prisma.TransactionClient) => Promise<unknown>,
  ): Promise<T> => {
    let waiting!: Promise<T>;
    await app.app.get(PrismaService).$transaction(async (tx) => {
      await lockBookings(tx, [[client.id, master.id]]);
      waiting = other();
      const locks = `SELECT FROM pg_locks WHERE NOT granted AND locktype = 'advisory'
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
      while ((await app.rows(locks)).length === 0) await sleep(10);
      await meanwhile(tx);
    });
    return waiting;
  };

  it('a request that waits for a block finds it', async () => {
    const reply = await whileWaiting(
      () => request(client, at(2)),
      (tx) => tx.block.create({ data: { blockerId: master.id, blockedId: client.id } }),
    );
    expect(reply.body.code).toBe('NOT_FOUND');
    expect(await live()).toEqual([]);
  });

  it('a block that waits for a request ends it', async () => {
    const { id } = await booked();
    await put(id, 'declined');
    const status = await whileWaiting(
      () => block(master, client),
      (tx) => tx.booking.update({ where: { id }, data: { status: 'requested' } }),
    );
    expect([status, (await stored(id)).status]).toEqual([204, 'cancelled']);
  });

  it('a review that waits for a block finds it', async () => {
    const { id } = await booked();
    await put(id, 'completed');
    const reply = await whileWaiting(
      () => step(client, id, 'review', { rating: 1 }),
      (tx) => tx.block.create({ data: { blockerId: master.id, blockedId: client.id } }),
    );
    expect(reply.body.code).toBe('FORBIDDEN');
  });

  it('a proposal is accepted or not, in their chat or in a group, and nothing is left', async () => {
    for (let round = 0; round < 6; round++) {
      const chat = round % 2 ? await app.chat(master, client) : await app.group(master, client, stranger);
      const proposal = await app.request<MessageDto & { message_id: string }>(
        'POST',
        `chats/${chat.id}/messages`,
        master.token,
        { type: 'booking_proposal', content: 'Записать вас?', metadata: { service_id: service.id } },
      );
      const path = `chats/${chat.id}/messages/${proposal.body.message_id}/accept`;
      const [accepted, blocked] = await Promise.all([
        app.request<BookingDto>('POST', path, client.token, { starts_at: at(2, round) }),
        block(client, master),
      ]);
      expect([201, 403, 404]).toContain(accepted.status);
      expect([blocked, await live()]).toEqual([204, []]);
      await block(client, master, 'DELETE');
    }
  });
});
