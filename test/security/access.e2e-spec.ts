import { ASSISTANT_FRAMES, CLIENT_EVENTS } from '#contracts';
import { ModelServer, TestApp } from '#testing';
import { ModulesContainer } from '@nestjs/core';
import { chatBasic } from '../../apps/realtime/src/dialects/chat-basic/chat-basic.js';
import { messengerClassic } from '../../apps/realtime/src/dialects/messenger-classic/messenger-classic.js';
import { messenger } from '../../apps/realtime/src/dialects/messenger/messenger.js';
import { DIALECT_EVENTS, EVENTS, FRAMES, ROUTES, type Outcome, type Row } from './access-table.js';
import { askAssistant, askDialect, askEvent, askRest, observers, type Ask, type Observer } from './asking.js';
import { databaseDigest, databaseDigestAtRest } from './database-digest.js';
import { isAboutSomething, PEOPLE, Scenario, type Who } from './scenario.js';

let model: ModelServer;
let app: TestApp;
beforeAll(async () => {
  model = await ModelServer.start();
  app = await TestApp.start({ OPENAI_API_KEY: 'test', OPENAI_BASE_URL: model.url });
});
afterAll(() => app.stop().finally(() => model.stop()));

type Line = [name: string, row: Row, ask: Ask];
const lines = [
  ...Object.entries(ROUTES).map(([name, row]): Line => [name, row, askRest]),
  ...Object.entries(EVENTS).map(([name, row]): Line => [name, row, askEvent]),
  ...Object.entries(DIALECT_EVENTS).map(([name, row]): Line => [name, row, askDialect]),
  ...Object.entries(FRAMES).map(([name, row]): Line => [name, row, askAssistant]),
];
const expected = ([access]: Row, who: Who): Outcome =>
  access[who] ?? (who === 'nobody' || who === 'banned' ? 'UNAUTHORIZED' : 'FORBIDDEN');
/** The outcome of each person, by name. */
const outcomes = async (people: readonly Who[], of: (who: Who) => Outcome | Promise<Outcome>) =>
  Object.fromEntries(await Promise.all(people.map(async (who) => [who, await of(who)])));

describe('the table has a row for', () => {
  it('every route that the server answers', () => {
    const shape = (route: string) => route.replace(/\?.*/, '').replace(/\{\w+\}|:\w+/g, ':');
    expect(Object.keys(ROUTES).map(shape).sort()).toEqual(routesOf(app).map(shape).sort());
  });

  it('every event of the contract, and no other', () => {
    expect(Object.keys(EVENTS).sort()).toEqual(Object.keys(CLIENT_EVENTS).sort());
    expect(Object.keys(EVENTS).sort()).toEqual(eventsOf(app).sort());
  });

  it('every event of every other namespace', () => {
    const dialects = [messenger(), messengerClassic(), chatBasic()];
    const events = dialects.flatMap(({ namespace, client }) =>
      Object.keys(client).map((event) => `${namespace} ${event}`),
    );
    expect(Object.keys(DIALECT_EVENTS).sort()).toEqual(events.sort());
  });

  it('every frame of the assistant', () => {
    expect(Object.keys(FRAMES).sort()).toEqual(Object.keys(ASSISTANT_FRAMES).sort());
  });
});

describe('a refused request stores nothing and publishes nothing:', () => {
  let scenario: Scenario;
  let listening: Observer[];
  let stored: object;
  beforeAll(async () => {
    scenario = await (await Scenario.create(app)).complete();
    listening = await observers(app, scenario);
    stored = await databaseDigestAtRest(app);
  });

  it.each(lines)('%s', async (name, row, ask) => {
    const refused = PEOPLE.filter((who) => expected(row, who) !== 'ok');
    const before = listening.map(({ received }) => received.length);
    expect(await outcomes(refused, (who) => ask(scenario, who, name, row))).toEqual(
      await outcomes(refused, (who) => expected(row, who)),
    );
    await Promise.all(listening.map((device) => device.settled()));
    expect(listening.map(({ received }, i) => received.slice(before[i]))).toEqual(listening.map(() => []));
    // The changes of one row do not count for the rows after it.
    const was = stored;
    stored = await databaseDigest(app);
    expect(stored).toEqual(was);
  });
});

describe('an allowed request is done:', () => {
  it.each(lines)('%s', async (name, row, ask) => {
    const allowed = PEOPLE.filter((who) => expected(row, who) === 'ok');
    const got = await outcomes(allowed, async (who) => ask(await Scenario.create(app), who, name, row));
    expect(got).toEqual(await outcomes(allowed, () => 'ok'));
    // Without an allowed person the row would prove nothing about the refused ones.
    expect(allowed).not.toEqual([]);
  });

  const about = lines.filter(([name, [, body]]) => isAboutSomething(JSON.stringify([name, body])));

  it.each(about)('%s: an unknown id is not found', async (name, row, ask) => {
    const isOfChat =
      name.startsWith('GET /api/v2/chats') || JSON.stringify([name, row[1]]).includes('{chat}');
    const who = PEOPLE.findLast((one) => expected(row, one) === 'ok')!;
    const outcome = await ask(await Scenario.create(app), who, name, row, true);
    expect(outcome).toBe(row[0].none ?? (isOfChat ? 'CHAT_NOT_FOUND' : 'NOT_FOUND'));
  });
});

/** The routes registered with Fastify: `METHOD /path/:param`. */
function routesOf({ app }: TestApp): string[] {
  const tree = app.getHttpAdapter().getInstance().printRoutes({ commonPrefix: false });
  const path: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent, part, methods] = /^(.*)[├└]── (\S+) \((.*)\)$/.exec(line) ?? [];
    if (indent === undefined) return [];
    path.splice(indent.length / 4, Infinity, part!);
    const named = methods!.split(', ').filter((method) => method !== 'HEAD' && method !== 'OPTIONS');
    return named.map((method) => `${method} ${path.join('')}`);
  });
}

/** The methods that Nest knows as message handlers. */
function eventsOf({ app }: TestApp): string[] {
  const providers = [...app.get(ModulesContainer).values()].flatMap((module) => [
    ...module.providers.values(),
  ]);
  const gateways = new Set(providers.map(({ metatype }) => metatype as { prototype?: object } | null));
  return [...gateways].flatMap((gateway) =>
    Object.getOwnPropertyNames(gateway?.prototype ?? {}).flatMap((method) => {
      const handler = Object.getOwnPropertyDescriptor(gateway!.prototype, method)?.value as unknown;
      const event =
        typeof handler === 'function' ? (Reflect.getMetadata('message', handler) as string) : undefined;
      return event === undefined ? [] : [event];
    }),
  );
}
