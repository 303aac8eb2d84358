import { SIGNING_KEY, type Account, type TestApp } from '#testing';
import jwt from 'jsonwebtoken';
import { randomUUID } from 'node:crypto';
import { TEXTS, THINGS } from './things.js';

/**
 * Everybody who may ask. A stranger is signed in and no more. `former` was in the owner's group. `member` is in it, and
 * the owner's client. The owner runs the group, and all else is theirs, too. The admin is one of the platform, and in
 * no chat. Who is banned was in the group, and an admin.
 */
export const PEOPLE = ['nobody', 'stranger', 'former', 'member', 'owner', 'admin', 'banned'] as const;
export type Who = (typeof PEOPLE)[number];

/** Those people, and things of the owner's that are made when they are first named. */
export class World {
  private readonly made = new Map<string, Promise<string>>();

  private constructor(
    readonly app: TestApp,
    readonly people: Record<Exclude<Who, 'nobody'>, Account>,
  ) {}

  static async create(app: TestApp): Promise<World> {
    const names = PEOPLE.slice(1);
    const ids = await app.manyPeople(names.length);
    const tokens = await signIn(app, ids);
    const accounts = names.map((name, i) => [
      name,
      { id: ids[i], email: `${ids[i]}@example.com`, token: tokens[i], refreshToken: '' },
    ]);
    const people = Object.fromEntries(accounts) as World['people'];
    const admins = [people.admin.id, people.banned.id];
    await app.rows(`UPDATE users SET role = 'admin' WHERE id = ANY($1)`, [admins]);
    return new World(app, people);
  }

  token(who: Who): string | undefined {
    return who === 'nobody' ? undefined : this.people[who].token;
  }

  /** With all that there is to name; then the banned one is banned, as if nobody had been told. */
  async complete(): Promise<this> {
    for (const name of Object.keys({ ...THINGS, ...TEXTS })) await this.thing(name);
    await this.app.rows('UPDATE users SET banned_at = now() WHERE id = $1', [this.people.banned.id]);
    return this;
  }

  thing(name: string): Promise<string> {
    if (name in this.people) return Promise.resolve(this.people[name as 'owner'].id);
    if (!this.made.has(name)) this.made.set(name, (THINGS[name] ?? TEXTS[name]!)(this));
    return this.made.get(name)!;
  }

  /** A path or JSON with what stands in braces, such as `{chat}`, put in; `none`: ids that nothing has. */
  async fill(template: string, none = false): Promise<string> {
    let filled = template;
    for (const [named, name] of template.matchAll(NAMES))
      filled = filled.replace(named, none && !(name! in TEXTS) ? randomUUID() : await this.thing(name!));
    return filled;
  }

  /** What somebody does over REST, of which it is known that they may. */
  async done<T extends object>(who: Who, method: string, path: string, body?: object): Promise<T> {
    const reply = await this.app.request<T>(method, await this.fill(path), this.token(who), body);
    if (reply.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(reply.body)}`);
    return reply.body;
  }
}

/** In the braces of a template; JSON has them, too. */
const NAMES = /\{(\w+)\}/g;

/** Whether it is about something that might not be there. */
export const isAboutSomething = (template: string): boolean =>
  [...template.matchAll(NAMES)].some(([, name]) => !(name! in TEXTS));

/** Sessions without the time that a password takes; a token of each. */
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
