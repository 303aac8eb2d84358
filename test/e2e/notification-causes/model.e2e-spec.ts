import { ReconcileUser } from '#admin';
import type { NotificationCause } from '#contracts';
import { CountUnread, ListNotifications, Notify, ReadAllNotifications } from '#notifications';
import { AppError } from '#contracts';
import {
  AddComment,
  BlockUser,
  CreatePost,
  DeleteComment,
  DeletePost,
  LikePost,
  RepostPost,
  GetPost,
} from '#social';
import { TestApp } from '#testing';
import { CommandBus, QueryBus, type Command } from '@nestjs/cqrs';
import fc from 'fast-check';

let app: TestApp;
beforeAll(async () => {
  app = await TestApp.start();
  // Keeps promised jobs until the test runs them.
  await app.rows('CREATE TABLE promised (id uuid, name text, data jsonb)');
  await app.rows(`CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO promised VALUES (NEW.id, NEW.name, NEW.data); RETURN NULL; END'`);
  await app.rows('CREATE TRIGGER keep BEFORE INSERT ON outbox_jobs FOR EACH ROW EXECUTE FUNCTION keep()');
});
afterAll(() => app.stop());

/** The author of the post is 0; 1 to 3 are others. */
const ACTORS = fc.integer({ min: 1, max: 3 });
type Step =
  | {
      do: 'like' | 'unlike' | 'repost' | 'unrepost' | 'uncomment' | 'block' | 'unblock' | 'ban' | 'unban';
      who: number;
    }
  | { do: 'comment'; who: number; named: number }
  | { do: 'read' | 'run' | 'delete'; who: number };
const STEPS = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ do: fc.constantFrom('like', 'unlike', 'repost', 'unrepost'), who: ACTORS }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('comment'),
        who: ACTORS,
        named: fc.integer({ min: 0, max: 3 }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('uncomment'), who: ACTORS }) },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constantFrom('block', 'unblock', 'ban', 'unban'), who: ACTORS }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('read'), who: fc.integer({ min: 0, max: 3 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('delete'), who: fc.constant(0) }) },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('run'), who: fc.constant(0) }) },
  ),
  { minLength: 5, maxLength: 25 },
);

interface Told {
  type: string;
  group: string | null;
  isRead: boolean;
  /** The causes in the order of publishing. */
  causes: Cause[];
}

interface Cause {
  key: string;
  actor: number;
  done: () => boolean;
  isCut: () => boolean;
  /** Undone since it was published. When it is done again, its next job publishes it. */
  gone: boolean;
}

const holds = (cause: Cause): boolean => {
  cause.gone ||= !cause.done();
  return !cause.gone && !cause.isCut();
};

/** The expected state, always computed from scratch: nothing is counted along the way. */
class Model {
  readonly likes = new Set<number>();
  readonly reposts = new Map<number, string>();
  readonly comments: { id: string; who: number }[] = [];
  readonly blocked = new Set<number>();
  readonly banned = new Set<number>();
  readonly received: Told[][] = [[], [], [], []];
  isDeleted = false;

  constructor(private readonly ids: string[]) {}

  run({ type, key, actorId, data }: NotificationCause, recipientIds: string[]): void {
    const actor = this.ids.indexOf(actorId!);
    const done = () => {
      if (this.isDeleted) return false;
      if (type === 'post_liked') return this.likes.has(actor);
      if (type === 'post_reposted') return this.reposts.has(actor);
      return this.comments.some(({ id }) => id === (data as { comment_id: string }).comment_id);
    };
    for (const recipientId of recipientIds) {
      const recipient = this.ids.indexOf(recipientId);
      if (this.banned.has(recipient)) continue;
      const list = this.received[recipient]!;
      const known = list.flatMap(({ causes }) => causes).find((cause) => cause.key === key);
      if (known) {
        known.gone = !done();
        continue;
      }
      const group = type === 'mention' ? null : type;
      let one = list.find((each) => each.group !== null && each.group === group && !each.isRead);
      if (!one) list.push((one = { type, group, isRead: false, causes: [] }));
      // A block is between the author and another user. The recipient of a mention must see the author, too.
      const isCut = () => this.blocked.has(recipient === 0 ? actor : recipient) || this.banned.has(actor);
      one.causes.push({ key, actor, done, isCut, gone: !done() });
    }
  }

  list(of: number): string[] {
    return this.received[of]!.flatMap(({ type, isRead, causes }) => {
      const held = causes.filter(holds);
      const others = new Set(held.map(({ actor }) => actor)).size - 1;
      return held.length > 0 ? `${type} ${name(held.at(-1)!.actor)} ${others} ${isRead}` : [];
    }).sort();
  }

  readAll(of: number): void {
    for (const one of this.received[of]!) if (one.causes.some(holds)) one.isRead = true;
  }

  counts() {
    const present = (users: Iterable<number>) => [...users].filter((who) => !this.banned.has(who)).length;
    return {
      likes_count: present(this.likes),
      comments_count: present(this.comments.map(({ who }) => who)),
      reposts_count: present(this.reposts.keys()),
    };
  }
}

const name = (who: number) => `Person${'ABCD'[who]}`;

it('lists, unread counts, texts and counters match a model after any history of acts, undos, blocks and bans', async () => {
  await fc.assert(
    fc.asyncProperty(STEPS, async (steps) => {
      const world = await World.create();
      for (const step of steps) {
        await world.take(step);
        await world.check();
      }
      await world.take({ do: 'run', who: 0 });
      await world.check();
    }),
    { numRuns: 25, interruptAfterTimeLimit: 20_000 },
  );
}, 120_000);

class World {
  private constructor(
    private readonly ids: string[],
    private readonly postId: string,
    private readonly model: Model,
  ) {}

  static async create(): Promise<World> {
    const ids = await app.manyPeople(4);
    for (const [i, id] of ids.entries())
      await app.rows(`UPDATE users SET name = $2, locale = 'en', handle = left(handle, 28) WHERE id = $1`, [
        id,
        name(i),
      ]);
    await app.rows('TRUNCATE promised');
    const post = await execute(new CreatePost(ids[0]!, { content: 'Hello' }));
    return new World(ids, post.id, new Model(ids));
  }

  async take(step: Step): Promise<void> {
    const { model, postId } = this;
    const { who } = step;
    const id = this.ids[who]!;
    // A banned user's requests are refused earlier, and a refusal changes nothing.
    if (model.banned.has(who) && !['ban', 'unban', 'block', 'unblock', 'run', 'read'].includes(step.do))
      return;
    switch (step.do) {
      case 'like':
        if (await done(new LikePost(id, postId, true))) model.likes.add(who);
        break;
      case 'unlike':
        if (await done(new LikePost(id, postId, false))) model.likes.delete(who);
        break;
      case 'repost': {
        const repost = await done(new RepostPost(id, postId, {}));
        if (repost) model.reposts.set(who, repost.id);
        break;
      }
      case 'unrepost':
        if (
          (await done(new DeletePost({ userId: id, role: 'user' }, model.reposts.get(who) ?? postId))) !==
          null
        )
          model.reposts.delete(who);
        break;
      case 'comment': {
        const [named] = await app.rows<{ handle: string }>('SELECT handle FROM users WHERE id = $1', [
          this.ids[step.named],
        ]);
        const comment = await done(new AddComment(id, postId, { content: `@${named!.handle}` }));
        if (comment) model.comments.push({ id: comment.id, who });
        break;
      }
      case 'uncomment': {
        const at = model.comments.findIndex((comment) => comment.who === who);
        if (at < 0) break;
        await execute(new DeleteComment(id, postId, model.comments[at]!.id));
        model.comments.splice(at, 1);
        break;
      }
      case 'delete':
        await done(new DeletePost({ userId: id, role: 'user' }, postId));
        model.isDeleted = true;
        model.comments.length = 0;
        break;
      case 'block':
      case 'unblock':
        if (step.do === 'block' && model.banned.has(who)) break;
        await execute(new BlockUser(this.ids[0]!, id, step.do === 'block'));
        model.blocked[step.do === 'block' ? 'add' : 'delete'](who);
        break;
      case 'ban':
      case 'unban':
        await app.rows(`UPDATE users SET banned_at = ${step.do === 'ban' ? 'now()' : 'NULL'} WHERE id = $1`, [
          id,
        ]);
        await execute(new ReconcileUser(id));
        model.banned[step.do === 'ban' ? 'add' : 'delete'](who);
        break;
      case 'read':
        await execute(new ReadAllNotifications(id));
        model.readAll(who);
        break;
      case 'run':
        await this.run();
    }
  }

  private async run(): Promise<void> {
    const jobs = await app.rows<{ data: { cause: NotificationCause; recipientIds: string[] } }>(
      `SELECT data FROM promised WHERE name = 'notify' ORDER BY id`,
    );
    await app.rows('TRUNCATE promised');
    for (const { data } of jobs) {
      await execute(new Notify(data.cause, data.recipientIds));
      this.model.run(data.cause, data.recipientIds);
    }
  }

  async check(): Promise<void> {
    const queries = app.app.get(QueryBus);
    const checkOne = async (id: string, i: number) => {
      const { items } = await queries.execute(new ListNotifications(id, { limit: 50 }));
      const shown = items.map(({ type, body, is_read }) => {
        const others = Number(/ and (\d+) other/.exec(body)?.[1] ?? 0);
        return `${type} ${/Person./.exec(body)![0]} ${others} ${is_read}`;
      });
      const { unread_count } = await queries.execute(new CountUnread(id));
      const expected = this.model.list(i);
      const unread = expected.filter((one) => one.endsWith('false')).length;
      expect([i, shown.sort(), unread_count]).toEqual([i, expected, unread]);
    };
    await Promise.all(this.ids.map(checkOne));
    const post = queries.execute(new GetPost(this.ids[0]!, this.postId));
    if (this.model.isDeleted) await expect(post).rejects.toMatchObject({ code: 'NOT_FOUND' });
    else expect(await post).toMatchObject(this.model.counts());
  }
}

const execute = <T>(command: Command<T>): Promise<T> => app.app.get(CommandBus).execute(command);

/** Null when the command is refused. */
async function done<T>(command: Command<T>): Promise<T | null> {
  return execute(command).catch((error: unknown) => {
    if (error instanceof AppError) return null;
    throw error;
  });
}
