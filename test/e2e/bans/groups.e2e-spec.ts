import type { ChangePage, ChatDto, MessageDto, MessagePage, ReceiptPage, SyncAnswer } from '#contracts';
import { until, type Account } from '#testing';
import { useBans } from './scene.js';

const scene = useBans();
const { ban, chatOf, get, read, roles, send, unban } = scene;

describe('a banned member of a group', () => {
  it('delays no message from being delivered and read, wherever it is shown', async () => {
    const [anna, boris, vera] = await scene.app.people('Анна', 'Борис', 'Вера');
    const group = await scene.app.group(anna, boris, vera);
    const annaDevice = await scene.app.device(anna);
    const before = await send(anna, group, 'до бана');
    await read(boris, group, before);
    await ban(vera);
    await annaDevice.next('chat:updated', ({ last_message }) => last_message?.status === 'read');
    const after = await send(anna, group, 'после бана');
    const shown = async (id: string) => {
      const path = `chats/${group.id}`;
      const of = (items: MessageDto[]) => items.find((message) => message.id === id)?.status;
      const edited = await annaDevice.send('chat:message:edit', {
        message_id: id,
        content: `правка ${Date.now()}`,
      });
      await annaDevice.send('chat:message:pin', { message_id: id, on: true });
      const changes = await get<ChangePage>(anna, `${path}/changes?after_change_seq=0`);
      return {
        history: of(await scene.app.history(anna, group.id)),
        search: of(
          (await get<MessagePage>(anna, `${path}/messages/search?query=${encodeURIComponent('правка')}`))
            .items,
        ),
        pins: of((await get<{ items: MessageDto[] }>(anna, `${path}/pins`)).items),
        changes: of(changes.items.flatMap(({ message }) => message ?? [])),
        edit: edited.message.status,
        receipts: (await get<ReceiptPage>(anna, `${path}/messages/${id}/receipts`)).items.map(
          ({ name, status }) => `${name} ${status}`,
        ),
      };
    };
    const everywhere = (status: string) => ({
      history: status,
      search: status,
      pins: status,
      changes: status,
      edit: status,
      receipts: [`Борис ${status}`],
    });
    expect(await shown(before)).toEqual(everywhere('read'));
    expect(await shown(after)).toEqual(everywhere('sent'));
    await scene.app.history(boris, group.id);
    await until('delivered', async () => (await chatOf(anna, group)).last_message?.status === 'delivered');
    expect(await shown(after)).toEqual(everywhere('delivered'));
    await read(boris, group, after);
    expect(await shown(after)).toEqual(everywhere('read'));
    const list = await get<{ items: ChatDto[] }>(anna, 'chats');
    expect(list.items[0]!.last_message!.status).toBe('read');
  });

  it('is in no list or count, receives and sends nothing, and catches up after an unban', async () => {
    const [anna, boris, vera] = await scene.app.people('Анна', 'Борис', 'Вера');
    const group = await scene.app.group(anna, boris, vera);
    const read1 = await send(anna, group, '1');
    await read(vera, group, read1);
    await send(vera, group, '2');
    await send(anna, group, '3');
    const known = (await get<SyncAnswer>(boris, 'sync')).cursor;
    await ban(vera);
    const seen = await chatOf(boris, group);
    expect([seen.member_count, seen.participants.map(({ id }) => id).sort()]).toEqual([
      2,
      [anna.id, boris.id].sort(),
    ]);
    expect(seen.change_seq).toBeGreaterThan(group.change_seq);
    expect(await roles(boris, group)).toEqual(['Анна owner', 'Борис member']);
    expect((await get<SyncAnswer>(boris, `sync?cursor=${known}`)).chats.map(({ id }) => id)).toEqual([
      group.id,
    ]);
    await send(anna, group, '4');
    const [borisDevice] = await scene.app.devices(boris);
    const { change_seq } = await chatOf(boris, group);
    const back = await unban(vera);
    await borisDevice.next('chat:updated', ({ member_count }) => member_count === 3);
    const changes = `chats/${group.id}/changes?after_change_seq=${change_seq}`;
    const marks = (await get<ChangePage>(boris, changes)).items.map((item) => item.marks);
    expect(marks).toEqual([{ user_id: vera.id, last_read_seq: 2, last_delivered_seq: 2 }]);
    const own = await chatOf(back, group);
    expect([own.member_count, own.last_seq, own.last_read_seq, own.unread_count]).toEqual([3, 4, 2, 2]);
    expect(own.participants.map(({ id }) => id)).toContain(vera.id);
    expect((await scene.app.history(back, group.id)).map(({ content }) => content)).toEqual([
      '1',
      '2',
      '3',
      '4',
    ]);
    const waiting = await send(anna, group, '5');
    await read(boris, group, waiting);
    expect((await scene.app.history(anna, group.id)).at(-1)!.status).toBe('sent');
    await read(back, group, waiting);
    expect(
      (await scene.app.history(boris, group.id)).filter(({ sender_id }) => sender_id === anna.id),
    ).toMatchObject(Array(4).fill({ status: 'read' }));
    const [veraDevice] = await scene.app.devices(back);
    await send(anna, group, '6');
    await veraDevice.next('chat:message:new', ({ content }) => content === '6');
  });

  it('is left out of reactions, and returns to them after an unban as a change', async () => {
    const [anna, boris, vera] = await scene.app.people('Анна', 'Борис', 'Вера');
    const group = await scene.app.group(anna, boris, vera);
    const [both, single, gone] = [await send(anna, group), await send(anna, group), await send(anna, group)];
    const react = async (who: Account, id: string) => {
      const path = `chats/${group.id}/messages/${id}/reactions`;
      await scene.app.request('POST', path, who.token, { emoji: '👍', on: true });
    };
    for (const [who, id] of [
      [vera, both],
      [boris, both],
      [vera, single],
      [vera, gone],
    ] as const)
      await react(who, id);
    await scene.app.request('DELETE', `chats/${group.id}/messages/${gone}`, anna.token);
    const shown = (items: MessageDto[]) =>
      items
        .filter(({ id }) => id !== gone)
        .map(({ reactions }) => reactions.map((r) => [r.count, r.user_ids]));
    const seen = async (after: number) => {
      const changes = await get<ChangePage>(anna, `chats/${group.id}/changes?after_change_seq=${after}`);
      return [
        shown(await scene.app.history(anna, group.id)),
        shown(changes.items.flatMap(({ message }) => message ?? [])),
      ];
    };
    const before = (await chatOf(anna, group)).change_seq;
    await ban(vera);
    expect(await seen(before)).toEqual(Array(2).fill([[[1, [boris.id]]], []]));
    const banned = (await chatOf(anna, group)).change_seq;
    await unban(vera);
    expect(await seen(banned)).toEqual(Array(2).fill([[[2, [vera.id, boris.id]]], [[1, [vera.id]]]]));
    const restored = (await chatOf(anna, group)).change_seq;
    await unban(vera);
    expect((await chatOf(anna, group)).change_seq).toBe(restored);
  });

  it('who is removed does not return with the unban, and nobody is notified; an admin still cannot remove an admin', async () => {
    const [anna, boris, vera, gleb] = await scene.app.people('Анна', 'Борис', 'Вера', 'Глеб');
    const group = await scene.app.group(anna, boris, vera, gleb);
    for (const admins of [boris, gleb])
      await scene.app.request('PATCH', `chats/${group.id}/members/${admins.id}`, anna.token, {
        role: 'admin',
      });
    await ban(vera);
    await ban(gleb);
    const [annaDevice] = await scene.app.devices(anna);
    await scene.app.lastSeenStored(anna);
    const before = await chatOf(anna, group);
    const remove = async (by: Account, whom: Account) =>
      (await scene.app.request('DELETE', `chats/${group.id}/members/${whom.id}`, by.token)).status;
    expect(await remove(boris, gleb)).toBe(403);
    expect([await remove(boris, vera), await remove(boris, vera)]).toEqual([204, 404]);
    await annaDevice.settled();
    expect(annaDevice.all('chat:updated')).toEqual([]);
    expect(await chatOf(anna, group)).toEqual(before);
    const back = await unban(vera);
    await unban(gleb);
    expect((await scene.app.request('GET', `chats/${group.id}`, back.token)).status).toBe(403);
    expect(await roles(anna, group)).toEqual(['Анна owner', 'Борис admin', 'Глеб admin']);
  });

  it('does not return to a group that is full by then, and returns only once', async () => {
    const [anna, vera] = await scene.app.people('Анна', 'Вера');
    const [full, open] = [await scene.app.group(anna, vera), await scene.app.group(anna, vera)];
    await ban(vera);
    await scene.app.rows('UPDATE chats SET member_count = 1024 WHERE id = $1', [full.id]);
    const back = await unban(vera);
    expect((await scene.app.request('GET', `chats/${full.id}`, back.token)).status).toBe(403);
    expect((await chatOf(anna, full)).member_count).toBe(1024);
    await scene.app.rows('UPDATE chats SET member_count = 1 WHERE id = $1', [full.id]);
    await unban(vera);
    expect([(await chatOf(anna, full)).member_count, (await chatOf(anna, open)).member_count]).toEqual([
      1, 2,
    ]);
  });
});

describe('a group', () => {
  it('of a banned owner passes to an admin, or else to the longest member', async () => {
    const [owner, anna, boris, vera] = await scene.app.people('Олег', 'Анна', 'Борис', 'Вера');
    const group = await scene.app.group(owner, anna, boris);
    await scene.app.rows(
      `UPDATE chat_members SET joined_at = now() - interval '1 day' WHERE chat_id = $1 AND user_id = $2`,
      [group.id, boris.id],
    );
    await ban(owner);
    expect(await roles(boris, group)).toEqual(['Анна member', 'Борис owner']);
    const renamed = await scene.app.request('PATCH', `chats/${group.id}`, boris.token, { title: 'Моя' });
    expect(renamed.status).toBe(200);
    await scene.app.request('POST', `chats/${group.id}/members`, boris.token, { user_ids: [vera.id] });
    await scene.app.request('PATCH', `chats/${group.id}/members/${vera.id}`, boris.token, { role: 'admin' });
    await ban(boris);
    expect(await roles(anna, group)).toEqual(['Анна member', 'Вера owner']);
    const back = await unban(owner);
    expect(await roles(back, group)).toEqual(['Анна member', 'Вера owner', 'Олег admin']);
  });

  it('that its owner leaves passes to nobody who is banned, and no banned member gets a role', async () => {
    const [owner, anna, boris] = await scene.app.people('Олег', 'Анна', 'Борис');
    const group = await scene.app.group(owner, anna, boris);
    await scene.app.request('PATCH', `chats/${group.id}/members/${anna.id}`, owner.token, { role: 'admin' });
    await ban(anna);
    for (const role of ['owner', 'admin', 'member']) {
      const handed = await scene.app.request('PATCH', `chats/${group.id}/members/${anna.id}`, owner.token, {
        role,
      });
      expect([handed.status, handed.body.code]).toEqual([404, 'NOT_FOUND']);
    }
    expect(
      (await scene.app.request('DELETE', `chats/${group.id}/members/${owner.id}`, owner.token)).status,
    ).toBe(204);
    expect(await roles(boris, group)).toEqual(['Борис owner']);
    await unban(anna);
    expect(await roles(boris, group)).toEqual(['Анна admin', 'Борис owner']);
  });

  it('with only banned members gets one owner among the returning ones', async () => {
    const [owner, anna] = await scene.app.people('Олег', 'Анна');
    const group = await scene.app.group(owner, anna);
    await ban(owner);
    await ban(anna);
    const olegs = await unban(owner);
    expect(await roles(olegs, group)).toEqual(['Олег owner']);
    await ban(owner);
    const annaAgain = await unban(anna);
    expect(await roles(annaAgain, group)).toEqual(['Анна owner']);
    const again = await unban(owner);
    expect(await roles(again, group)).toEqual(['Анна owner', 'Олег admin']);
    const alone = await scene.app.group(again, anna);
    await scene.app.request('DELETE', `chats/${alone.id}/members/${anna.id}`, again.token);
    await ban(owner);
    expect(await roles(await unban(owner), alone)).toEqual(['Олег owner']);
  });
});
