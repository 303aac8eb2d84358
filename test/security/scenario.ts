import { SIGNING_KEY, type Account, type TestApp } from '#testing';
import jwt from 'jsonwebtoken';
import { randomUUID } from 'node:crypto';
import { TEXTS, FIXTURES } from './fixtures.js';

/**
 * The people who send requests. A stranger is signed in and no more. `former` was in the owner's group. `member` is
 * in it, and is the owner's client. The owner owns the group and everything else. The admin is one of the platform,
 * and in no chat. The banned user was an admin of the group.
 */
export const PEOPLE = ['nobody', 'stranger', 'former', 'member', 'owner', 'admin', 'banned'] as const;
export type Who = (typeof PEOPLE)[number];

/** The people, and things of the owner's, made when they are first named. */
export class Scenario {
  private readonly made = new Map<string, Promise<string>>();

  private constructor(
    readonly app: TestApp,
    readonly people: Record<Exclude<Who, 'nobody'>, Account>,
  ) {}

  static async create(app: TestApp): Promise<Scenario> {
    const names = PEOPLE.slice(1);
    const ids = await app.manyPeople(names.length);
    const tokens = await signIn(app, ids);
    const accounts = names.map((name, i) => [
      name,
      { id: ids[i], email: `${ids[i]}@example.com`, token: tokens[i], refreshToken: '' },
    ]);
    const people = Object.fromEntries(accounts) as Scenario['people'];
    const admins = [people.admin.id, people.banned.id];
    await app.rows(`UPDATE users SET role = 'admin' WHERE id = ANY($1)`, [admins]);
    return new Scenario(app, people);
  }

  token(who: Who): string | undefined {
    return who === 'nobody' ? undefined : this.people[who].token;
  }

  /** Makes all things. Then the banned user is banned in the database only, as if no node had been notified. */
  async complete(): Promise<this> {
    for (const name of Object.keys({ ...FIXTURES, ...TEXTS })) await this.fixture(name);
    await this.app.rows('UPDATE users SET banned_at = now() WHERE id = $1', [this.people.banned.id]);
    return this;
  }

  fixture(name: string): Promise<string> {
    if (name in this.people) return Promise.resolve(this.people[name as 'owner'].id);
    if (!this.made.has(name)) this.made.set(name, (FIXTURES[name] ?? TEXTS[name]!)(this));
    return this.made.get(name)!;
  }

  /** Fills the names in braces, such as `{chat}`, in a path or JSON. `none`: with unknown ids. */
  async fill(template: string, none = false): Promise<string> {
    let filled = template;
    for (const [named, name] of template.matchAll(NAMES))
      filled = filled.replace(named, none && !(name! in TEXTS) ? randomUUID() : await this.fixture(name!));
    return filled;
  }

  /** A REST request that must succeed. */
  async done<T extends object>(who: Who, method: string, path: string, body?: object): Promise<T> {
    return this.app.ask<T>({ token: this.token(who) }, `${method} ${await this.fill(path)}`, body);
  }
}

/** Names in the braces of a template; JSON has braces, too. */
const NAMES = /\{(\w+)\}/g;

/** Whether the template names something that might not exist. */
export const isAboutSomething = (template: string): boolean =>
  [...template.matchAll(NAMES)].some(([, name]) => !(name! in TEXTS));

/** Creates sessions without the time of a password check. Returns a token of each. */
async function signIn(app: TestApp, users: string[]): Promise<string[]> {
  const sessions = users.map(() => randomUUID());
  await app.rows(
    `INSERT INTO sessions (id, user_id, expires_at)
     SELECT *, now() + interval '1 day' FROM unnest($1::uuid[], $2::uuid[])`,
    [sessions, users],
  );
  const ours = { iss: 'service-platform', aud: 'service-platform', typ: 'access' };
  return users.map((sub, i) =>
    jwt.sign({ sub, sid: sessions[i], jti: randomUUID(), ...ours }, SIGNING_KEY, { expiresIn: 900 }),
  );
}
