import { BanUser, UnbanUser } from '#admin';
import {
  AddMembers,
  CreateChat,
  GetHistory,
  ListChats,
  MarkMessages,
  RemoveMember,
  SendMessage,
  SetMemberRole,
} from '#chat';
import { AppError, type MEMBER_ROLES } from '#contracts';
import { BlockUser } from '#social';
import { TestApp } from '#testing';
import { CommandBus, QueryBus, type Command } from '@nestjs/cqrs';
import fc from 'fast-check';

const PEOPLE = 5;
const ACTS = [
  ...['ban', 'unban', 'ban', 'unban', 'add', 'remove', 'leave', 'owner', 'admin', 'send', 'send', 'read'],
  ...['write', 'write', 'open', 'block', 'unblock'],
] as const;

interface Member {
  role: (typeof MEMBER_ROLES)[number];
  joined: number;
  read: number;
}

/** The expected state of a group. A banned user stays a member but does not count. */
class Group {
  id!: string;
  readonly members = new Map<number, Member>();
  /** Only a friend may add these again, and nobody here has friends. */
  readonly leftByThemselves = new Set<number>();
  readonly senders: number[] = [];
  readonly messageIds: string[] = [];

  constructor(private readonly ids: string[]) {}

  present(banned: Set<number>): number[] {
    return [...this.members.keys()].filter((who) => !banned.has(who));
  }

  /** Leaves one owner among the members who are not banned: an admin, or else the longest member. */
  settle(banned: Set<number>): void {
    const rank = { owner: 0, admin: 1, member: 2 };
    const [heir] = this.present(banned)
      .map((who) => ({ who, ...this.members.get(who)! }))
      .sort(
        (a, b) =>
          rank[a.role] - rank[b.role] ||
          a.joined - b.joined ||
          (this.ids[a.who]! < this.ids[b.who]! ? -1 : 1),
      );
    if (!heir) return;
    for (const [who, member] of this.members)
      if (who === heir.who) member.role = 'owner';
      else if (member.role === 'owner') member.role = 'admin';
  }

  /** Whether everybody whom the reader may see has read it. */
  isRead(seq: number, readers: number[]): boolean {
    const others = readers.filter((who) => who !== this.senders[seq - 1]);
    return others.length > 0 && others.every((who) => this.members.get(who)!.read >= seq);
  }

  unread(who: number): number {
    return this.senders.filter((sender, i) => sender !== who && i >= this.members.get(who)!.read).length;
  }
}

let app: TestApp;
let commands: CommandBus;
let queries: QueryBus;
let adminId: string;
beforeAll(async () => {
  app = await TestApp.start();
  commands = app.app.get(CommandBus);
  queries = app.app.get(QueryBus);
  [adminId] = (await app.manyPeople(1)) as [string];
  await app.rows(`UPDATE users SET role = 'admin' WHERE id = $1`, [adminId]);
});
afterAll(() => app.stop());

/** Runs the system and a model of it side by side. */
class Run {
  readonly banned = new Set<number>();
  readonly blocks = new Set<string>();
  readonly groups: Group[];
  /** A direct chat is listed for the users who opened it, and for both after its first message. */
  private readonly directs = new Map<string, { id: string; listedFor: Set<number> }>();
  private clock = 0;

  private constructor(private readonly ids: string[]) {
    this.groups = [new Group(ids), new Group(ids)];
  }

  static async begin(): Promise<Run> {
    const run = new Run(await app.manyPeople(PEOPLE));
    for (const [i, members] of [
      [0, [0, 1, 2]],
      [1, [3, 1, 4, 0]],
    ] as const) {
      const group = run.groups[i]!;
      const [creator, ...others] = members.map((who) => run.ids[who]!);
      const body = { type: 'group' as const, participant_ids: others };
      group.id = (await commands.execute(new CreateChat(creator!, body))).chat.id;
      run.clock += 1;
      for (const who of members)
        group.members.set(who, { role: who === members[0] ? 'owner' : 'member', joined: run.clock, read: 0 });
    }
    return run;
  }

  private cut = (a: number, b: number) => this.blocks.has(`${a}>${b}`) || this.blocks.has(`${b}>${a}`);
  private pair = (a: number, b: number) => [a, b].sort((one, other) => one - other).join(':');

  /** Runs the act on the model and on the system, and compares the answers. */
  async take(act: (typeof ACTS)[number], a: number, b: number, g: number): Promise<void> {
    if (act !== 'ban' && act !== 'unban' && this.banned.has(a)) return;
    if (a === b && ['block', 'unblock', 'write', 'open'].includes(act)) return;
    const command = this.commandFor(act, a, b, g);
    if (!command) return;
    const expected = this.expect(act, a, b, g);
    const answer = await commands.execute(command as Command<unknown>).then(
      (result) => ({ code: 'ok', result }),
      (error: unknown) => {
        if (error instanceof AppError) return { code: error.code, result: null };
        throw error;
      },
    );
    expect([act, a, b, g, answer.code]).toEqual([act, a, b, g, expected]);
    if (answer.code !== 'ok') return;
    const pair = this.pair(a, b);
    if (act === 'open') {
      const { id } = (answer.result as { chat: { id: string } }).chat;
      this.directs.set(pair, { id, listedFor: (this.directs.get(pair)?.listedFor ?? new Set()).add(a) });
    }
    if (act === 'write') this.directs.get(pair)!.listedFor.add(a).add(b);
    if (act === 'send') this.groups[g]!.messageIds.push((answer.result as { message_id: string }).message_id);
  }

  private commandFor(act: (typeof ACTS)[number], a: number, b: number, g: number) {
    const [idA, idB, group] = [this.ids[a]!, this.ids[b]!, this.groups[g]!];
    const text = { type: 'text' as const, content: 'x' };
    switch (act) {
      case 'ban':
        return new BanUser(adminId, idA);
      case 'unban':
        return new UnbanUser(adminId, idA);
      case 'block':
      case 'unblock':
        return new BlockUser(idA, idB, act === 'block');
      case 'add':
        return new AddMembers(idA, group.id, [idB]);
      case 'remove':
        return new RemoveMember(idA, group.id, idB);
      case 'leave':
        return new RemoveMember(idA, group.id, idA);
      case 'owner':
      case 'admin':
        return new SetMemberRole(idA, group.id, idB, act);
      case 'send':
        return new SendMessage(idA, { chat_id: group.id, ...text });
      case 'read': {
        const message_id = group.messageIds.at(-1);
        return message_id && new MarkMessages(idA, 'read', { chat_id: group.id, message_id });
      }
      case 'open':
        return new CreateChat(idA, { type: 'direct', participant_ids: [idB] });
      case 'write': {
        const chat_id = this.directs.get(this.pair(a, b))?.id;
        return chat_id && new SendMessage(idA, { chat_id, ...text });
      }
    }
  }

  /** The expected answer of the system. The model changes if it is 'ok'. */
  private expect(act: (typeof ACTS)[number], a: number, b: number, g: number): string {
    const group = this.groups[g]!;
    const mine = group.members.get(a);
    const theirs = this.banned.has(b) ? undefined : group.members.get(b);
    if (act === 'ban' || act === 'unban') {
      if (act === 'ban') this.banned.add(a);
      else this.banned.delete(a);
      for (const each of this.groups) each.settle(this.banned);
      return 'ok';
    }
    if (act === 'block') {
      if (this.banned.has(b) && !this.blocks.has(`${a}>${b}`)) return 'NOT_FOUND';
      this.blocks.add(`${a}>${b}`);
      return 'ok';
    }
    if (act === 'unblock') {
      this.blocks.delete(`${a}>${b}`);
      return 'ok';
    }
    if (act === 'open' || act === 'write') {
      if (this.banned.has(b)) return 'NOT_FOUND';
      // Opening a chat must not reveal that the user exists.
      if (this.cut(a, b)) return act === 'open' ? 'NOT_FOUND' : 'FORBIDDEN';
      return 'ok';
    }
    if (!mine) return 'FORBIDDEN';
    switch (act) {
      case 'add':
        if (mine.role === 'member') return 'FORBIDDEN';
        if (this.banned.has(b)) return 'NOT_FOUND';
        if (this.cut(a, b)) return 'NOT_FOUND';
        if (!theirs && group.leftByThemselves.has(b)) return 'FORBIDDEN';
        if (!theirs)
          group.members.set(b, { role: 'member', joined: ++this.clock, read: group.senders.length });
        return 'ok';
      case 'remove':
      case 'leave': {
        const who = act === 'leave' ? a : b;
        // A banned member can be removed, and then does not return with the unban.
        const removed = group.members.get(who);
        if (who !== a && mine.role === 'member') return 'FORBIDDEN';
        if (!removed) return 'NOT_FOUND';
        if (who !== a && mine.role === 'admin' && removed.role !== 'member') return 'FORBIDDEN';
        group.members.delete(who);
        if (who === a) group.leftByThemselves.add(who);
        group.settle(this.banned);
        return 'ok';
      }
      case 'owner':
      case 'admin':
        if (mine.role !== 'owner') return 'FORBIDDEN';
        if (a === b) return 'INVALID_DATA';
        if (!theirs) return 'NOT_FOUND';
        theirs.role = act;
        if (act === 'owner') mine.role = 'admin';
        return 'ok';
      case 'send':
        if (mine.read === group.senders.length) mine.read += 1;
        group.senders.push(a);
        return 'ok';
      case 'read':
        mine.read = group.senders.length;
        return 'ok';
    }
  }

  /** Compares each visible user's chats, and the read state of groups. */
  async compare(): Promise<void> {
    for (const [who, id] of this.ids.entries()) {
      if (this.banned.has(who)) continue;
      const query = { limit: 200, archived: false };
      const { items } = await queries.execute(new ListChats(id, query));
      const seen = Object.fromEntries(
        items.map((chat) => [
          chat.id,
          [
            Object.fromEntries(chat.participants.map(({ id, role }) => [this.ids.indexOf(id), role])),
            chat.member_count,
            chat.is_open,
            chat.type === 'group' && [chat.last_seq, chat.unread_count],
          ],
        ]),
      );
      expect(seen).toEqual(Object.fromEntries([...this.groupsOf(who), ...this.directsOf(who)]));
    }
    for (const group of this.groups) {
      const [reader] = group.present(this.banned);
      if (reader === undefined) continue;
      const history = await queries.execute(new GetHistory(this.ids[reader]!, group.id, { limit: 200 }));
      const inSight = group.present(this.banned).filter((who) => !this.cut(reader, who));
      expect(history.items.map(({ status }) => status === 'read')).toEqual(
        group.senders.map((_, i) => group.isRead(i + 1, inSight)),
      );
    }
  }

  private groupsOf(who: number): [string, unknown][] {
    return this.groups
      .filter(({ members }) => members.has(who))
      .map((group) => {
        const present = group.present(this.banned);
        const roles = present.map((each) => [each, group.members.get(each)!.role]);
        expect(roles.filter(([, role]) => role === 'owner')).toHaveLength(1);
        const counts = [group.senders.length, group.unread(who)];
        return [group.id, [Object.fromEntries(roles), present.length, true, counts]];
      });
  }

  private directsOf(who: number): [string, unknown][] {
    return [...this.directs].flatMap(([pair, { id, listedFor }]) => {
      const [a, b] = pair.split(':').map(Number) as [number, number];
      if (!listedFor.has(who)) return [];
      const isOpen = !this.banned.has(a) && !this.banned.has(b) && !this.cut(a, b);
      return [[id, [{ [a]: 'member', [b]: 'member' }, 2, isOpen, false]]];
    });
  }
}

it('banned users are absent for others in any history of acts, and return unchanged', async () => {
  const who = fc.nat(PEOPLE - 1);
  const step = fc.tuple(fc.constantFrom(...ACTS), who, who, fc.nat(1));
  const property = fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 25 }), async (steps) => {
    const run = await Run.begin();
    for (const [act, a, b, g] of steps) {
      await run.take(act, a, b, g);
      if (act === 'ban' || act === 'unban') await run.compare();
    }
    await run.compare();
  });
  await fc.assert(property, { numRuns: 10, endOnFailure: true, interruptAfterTimeLimit: 20_000 });
}, 90_000);
