import { FriendPage, FriendRequestDto, type FriendRequestPage } from '#contracts';
import { RequestFriendship } from '#social';
import { contractErrors, promised, type Account } from '#testing';
import { CommandBus } from '@nestjs/cqrs';
import { randomUUID } from 'node:crypto';
import { useSocial } from './scene.js';

const scene = useSocial('for each test');

const ask = (from: Account, user_id: unknown) =>
  scene.app.request<FriendRequestDto>('POST', 'friends/requests', from.token, { user_id });
const answer = (who: Account, id: string, what: 'accept' | 'decline') =>
  scene.app.request<FriendRequestDto>('POST', `friends/requests/${id}/${what}`, who.token);
const requests = async (who: Account, query = '') =>
  (await scene.app.request<FriendRequestPage>('GET', `friends/requests?${query}`, who.token)).body;
const friends = async (who: Account, query = '') =>
  (await scene.app.request<FriendPage>('GET', `friends?${query}`, who.token)).body;
const friendIds = async (who: Account) => (await friends(who)).items.map(({ id }) => id);
const received = async (type: 'friend_request' | 'friend_accepted', actor: Account) =>
  (await promised(scene.app, type)).filter(({ actorId }) => actorId === actor.id);

it('a request is visible to its recipient, and makes both friends when it is accepted', async () => {
  const made = await ask(scene.anna, scene.boris.id);
  expect([made.status, contractErrors(FriendRequestDto, made.body)]).toEqual([201, []]);
  expect(made.body).toMatchObject({
    from: { id: scene.anna.id },
    to: { id: scene.boris.id },
    status: 'pending',
  });
  expect(await requests(scene.boris)).toEqual({ items: [made.body], next_cursor: null });
  expect(await requests(scene.anna)).toEqual({ items: [], next_cursor: null });
  expect(await requests(scene.anna, 'direction=outgoing')).toEqual({ items: [made.body], next_cursor: null });
  expect((await requests(scene.boris, 'direction=outgoing')).items).toEqual([]);
  expect(await requests(scene.boris, 'direction=x')).toMatchObject({ code: 'INVALID_DATA' });
  expect(await received('friend_request', scene.anna)).toMatchObject([
    { to: [scene.boris.id], data: { request_id: made.body.id, user_id: scene.anna.id } },
  ]);
  const accepted = await answer(scene.boris, made.body.id, 'accept');
  expect([accepted.status, accepted.body]).toEqual([200, { ...made.body, status: 'accepted' }]);
  const page = await friends(scene.anna);
  expect(contractErrors(FriendPage, page)).toEqual([]);
  expect(page.items).toMatchObject([{ id: scene.boris.id, name: 'Борис', online: false }]);
  expect(await friendIds(scene.boris)).toEqual([scene.anna.id]);
  expect((await requests(scene.boris)).items).toEqual([]);
  expect(await received('friend_accepted', scene.boris)).toMatchObject([
    { to: [scene.anna.id], data: { request_id: made.body.id, user_id: scene.boris.id } },
  ]);
});

it('only the recipient answers, and once', async () => {
  const { id } = (await ask(scene.anna, scene.boris.id)).body;
  for (const stranger of [scene.anna, scene.vera])
    for (const what of ['accept', 'decline'] as const)
      expect((await answer(stranger, id, what)).body.code).toBe('NOT_FOUND');
  expect((await answer(scene.boris, randomUUID(), 'accept')).status).toBe(404);
  expect((await answer(scene.boris, 'x', 'accept')).status).toBe(400);
  const outcomes = await Promise.all(
    Array.from({ length: 10 }, (_, i) => answer(scene.boris, id, i % 2 ? 'accept' : 'decline')),
  );
  expect(outcomes.map(({ status }) => status).sort((a, b) => a - b)).toEqual([
    200,
    ...Array<number>(9).fill(409),
  ]);
});

it('a request to oneself, an unknown user, a friend, twice, or back is refused', async () => {
  const outcome = async (from: Account, id: unknown) => (await ask(from, id)).status;
  expect([
    await outcome(scene.anna, scene.anna.id),
    await outcome(scene.anna, 'x'),
    await outcome(scene.anna, undefined),
  ]).toEqual([400, 400, 400]);
  expect(await outcome(scene.anna, randomUUID())).toBe(404);
  const statuses = await Promise.all([
    ...Array.from({ length: 5 }, () => outcome(scene.anna, scene.boris.id)),
    ...Array.from({ length: 5 }, () => outcome(scene.boris, scene.anna.id)),
  ]);
  expect(statuses.sort((a, b) => a - b)).toEqual([201, ...Array<number>(9).fill(409)]);
  const [open] = [...(await requests(scene.anna)).items, ...(await requests(scene.boris)).items];
  await answer(open!.to.id === scene.anna.id ? scene.anna : scene.boris, open!.id, 'accept');
  expect(await outcome(scene.anna, scene.boris.id)).toBe(409);
});

it('a declined user may ask again after 30 days, and only the last refusal is kept', async () => {
  const DAY_MS = 24 * 3600_000;
  const commands = scene.app.app.get(CommandBus);
  const askLater = (days: number) =>
    commands.execute(
      new RequestFriendship(scene.anna.id, scene.boris.id, new Date(Date.now() + days * DAY_MS)),
    );
  let { id } = (await ask(scene.anna, scene.boris.id)).body;
  for (const _ of [1, 2]) {
    expect((await answer(scene.boris, id, 'decline')).body.status).toBe('declined');
    expect((await ask(scene.anna, scene.boris.id)).body).toMatchObject({
      code: 'CONFLICT',
      reason: 'refused_recently',
    });
    await expect(askLater(29)).rejects.toThrow('declined');
    ({ id } = await askLater(31));
    expect((await requests(scene.boris)).items.map((open) => open.id)).toEqual([id]);
    expect(
      await scene.app.rows('SELECT FROM friend_requests WHERE from_id = $1', [scene.anna.id]),
    ).toHaveLength(2);
  }
  const keys = async () => new Set((await received('friend_request', scene.anna)).map(({ key }) => key)).size;
  expect(await keys()).toBe(3);
  expect(await received('friend_accepted', scene.boris)).toEqual([]);
  // The declined user can be asked.
  expect((await answer(scene.boris, id, 'decline')).status).toBe(200);
  await answer(scene.anna, (await ask(scene.boris, scene.anna.id)).body.id, 'accept');
  expect((await ask(scene.boris, scene.anna.id)).body).toMatchObject({
    code: 'CONFLICT',
    reason: 'already_friends',
  });
  const end = (who: Account) => scene.app.request('DELETE', `friends/${scene.anna.id}`, who.token);
  expect([(await end(scene.boris)).status, (await end(scene.boris)).status]).toEqual([204, 404]);
  expect([await friendIds(scene.anna), await friendIds(scene.boris)]).toEqual([[], []]);
  // A user who accepted before is notified of the new request.
  const again = () => received('friend_request', scene.boris);
  await ask(scene.boris, scene.anna.id);
  expect(new Set((await again()).map(({ key }) => key)).size).toBe(2);
});

it('a refusal stands whatever other users answer', async () => {
  for (const whom of [scene.boris, scene.vera])
    await answer(whom, (await ask(scene.anna, whom.id)).body.id, 'decline');
  for (const { id } of [scene.boris, scene.vera])
    expect((await ask(scene.anna, id)).body).toMatchObject({ code: 'CONFLICT', reason: 'refused_recently' });
});

it('only the sender withdraws a request, while it is pending', async () => {
  const withdraw = async (who: Account, id: string) => {
    const { status, body } = await scene.app.request('DELETE', `friends/requests/${id}`, who.token);
    return (body as { reason?: string }).reason ?? body.code ?? status;
  };
  const { id } = (await ask(scene.anna, scene.boris.id)).body;
  expect((await ask(scene.anna, scene.boris.id)).body).toMatchObject({
    code: 'CONFLICT',
    reason: 'already_asked',
  });
  for (const stranger of [scene.boris, scene.vera]) expect(await withdraw(stranger, id)).toBe('NOT_FOUND');
  expect([await withdraw(scene.anna, id), await withdraw(scene.anna, id)]).toEqual([204, 'NOT_FOUND']);
  expect((await requests(scene.boris)).items).toEqual([]);
  expect((await answer(scene.boris, id, 'accept')).body.code).toBe('NOT_FOUND');
  const second = (await ask(scene.anna, scene.boris.id)).body.id;
  await answer(scene.boris, second, 'decline');
  expect(await withdraw(scene.anna, second)).toBe('wrong_state');
  expect((await ask(scene.anna, scene.boris.id)).body.code).toBe('CONFLICT');
});

it('friends and requests are paged', async () => {
  const others = await scene.app.people('1', '2', '3', '4', '5');
  const made: string[] = [];
  for (const other of others) made.unshift((await ask(other, scene.anna.id)).body.id);
  const first = await requests(scene.anna, 'limit=3');
  const rest = await requests(scene.anna, `limit=3&cursor=${first.next_cursor}`);
  expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(made);
  expect(rest.next_cursor).toBeNull();
  for (const id of made) await answer(scene.anna, id, 'accept');
  const ids = others.map(({ id }) => id).sort();
  const page = await friends(scene.anna, 'limit=4');
  expect(page.items.map(({ id }) => id)).toEqual(ids.slice(0, 4));
  expect((await friends(scene.anna, `cursor=${page.next_cursor}`)).items.map(({ id }) => id)).toEqual(
    ids.slice(4),
  );
  expect((await friends(scene.anna, 'cursor=')).items).toHaveLength(5);
  expect(await friends(scene.anna, 'cursor=x')).toMatchObject({ code: 'INVALID_DATA' });
  expect(await requests(scene.anna, 'cursor=x')).toMatchObject({ code: 'INVALID_DATA' });
});
