import { SERVER_EVENTS, type ServerEvent } from '#contracts';
import { TestApp } from '#testing';
import { getMetadataStorage } from 'class-validator';
import { Scene, SECRET } from './sight-scene.js';
import { ACTS, EVENTS, FIELDS, LOOKS, OTHERS, RELATIONS, type Relation } from './sight-table.js';

let app: TestApp;
beforeAll(async () => {
  app = await TestApp.start();
});
afterAll(() => app.stop());

interface Schema {
  $ref?: string;
  properties?: Record<string, Schema>;
}
interface OpenApi {
  paths: Record<string, Record<string, { responses: Schema }>>;
  components: { schemas: Record<string, Schema> };
}

describe('the table has a row for', () => {
  let api: OpenApi;
  beforeAll(async () => {
    api = (await (await fetch(`${app.url}/docs-json`)).json()) as OpenApi;
  });

  it('every readable answer', () => {
    const shape = (path: string) =>
      path
        .replace('/api/v2/', '')
        .replace(/\?.*/, '')
        .replace(/\{\w+\}/g, ':');
    const documented = Object.keys(api.paths).filter(
      (path) => api.paths[path]!.get && path.includes('/api/'),
    );
    const known = new Set([...LOOKS, ...OTHERS].map(shape));
    expect(documented.map(shape).filter((path) => !known.has(path))).toEqual([]);
  });

  it('every event, and every field of an answer or an event', () => {
    expect(Object.keys(EVENTS).sort()).toEqual(Object.keys(SERVER_EVENTS).sort());
    const fields = new Set(fieldsOfEvents());
    const known = new Set<string>();
    const walk = (schema: Schema): void => {
      const name = schema.$ref?.split('/').at(-1);
      if (name && !known.has(name)) {
        known.add(name);
        walk(api.components.schemas[name]!);
      }
      for (const field of Object.keys(schema.properties ?? {})) fields.add(field);
      const { properties, ...rest } = schema;
      for (const inner of Object.values({ ...properties, ...rest }))
        if (typeof inner === 'object' && inner !== null) walk(inner);
    };
    for (const methods of Object.values(api.paths))
      for (const { responses } of Object.values(methods)) walk(responses);
    expect([...fields].filter((field) => !(field in FIELDS)).sort()).toEqual([]);
  });
});

describe.each(RELATIONS)('%s', (relation) => {
  let scene: Scene;
  let before: Map<string, unknown>;
  let after: Map<string, unknown>;
  let received: [event: ServerEvent, payload: object][];
  beforeAll(async () => {
    scene = await Scene.set(app, relation);
    before = leavesOf(await scene.look(LOOKS));
    received = await scene.goOn();
    after = leavesOf(await scene.look(LOOKS));
  });

  it('no answer shows more of the other’s later changes than the table allows', () => {
    const changed = [...after].filter(([at, value]) => before.has(at) && before.get(at) !== value);
    expect(beyondTable([...changed, ...[...after].filter(isSecret)], scene, relation)).toEqual([]);
  });

  it('no event shows more of them', () => {
    const events = new Set(received.map(([event]) => event));
    expect([...events].filter((event) => !EVENTS[event].includes(relation))).toEqual([]);
    expect(beyondTable([...leavesOf(received)].filter(isSecret), scene, relation)).toEqual([]);
  });
});

describe.each(['blocked by', 'blocking', 'banned'] as const)('%s', (relation) => {
  it('any request to the other, or to their things, is answered as for an unknown user', async () => {
    const scene = await Scene.set(app, relation);
    for (const act of ACTS)
      expect([act[0], await scene.act(act)]).toEqual([act[0], await scene.act(act, true)]);
  });
});

type Leaf = readonly [at: string, value: unknown];

const isSecret = ([, value]: Leaf) => typeof value === 'string' && SECRET.test(value);

/** Values that a leaving removes, which show nothing of what came later. */
const isWithheld = (value: unknown) => value === '' || value === null || value === 0;

/** The changes and texts in fields that may not show them. The looker and the third one may change. */
const beyondTable = (leaves: Leaf[], { looker, third }: Scene, relation: Relation) =>
  leaves
    .filter(([at]) => !FIELDS[fieldOf(at)]?.includes(relation))
    .filter(([, value]) => relation !== 'former member' || !isWithheld(value))
    .filter(([at]) => !at.includes(`[${third.id}]`) && !at.includes(`[${looker.id}]`))
    .filter(([at]) => !at.startsWith('users/me.'))
    .map(([at, value]) => `${at}: ${JSON.stringify(value)}`);

const fieldOf = (at: string) => at.split('.').findLast((part) => !part.startsWith('['))!;

/** Every value with its path. An item with an id is identified by it, wherever it is. */
function leavesOf(value: unknown, at = ''): Map<string, unknown> {
  if (typeof value !== 'object' || value === null) return new Map([[at, value]]);
  const inside = Array.isArray(value)
    ? value.map((item, i) => [keyOf(item) ?? `[${i}]`, item] as const)
    : Object.entries(value).map(([key, item]) => {
        const is = key === 'last_message' ? `${key}.${keyOf(item) ?? '[]'}` : key;
        return [is, item] as const;
      });
  return new Map(inside.flatMap(([key, item]) => [...leavesOf(item, at ? `${at}.${key}` : key)]));
}

function keyOf(item: unknown): string | undefined {
  const { id, user_id, change_seq } = Object(item) as Record<string, string | undefined>;
  const key = id ?? user_id ?? change_seq;
  return key === undefined ? undefined : `[${key}]`;
}

const fieldsOfEvents = () =>
  Object.values(SERVER_EVENTS).flatMap((payload) =>
    getMetadataStorage()
      .getTargetValidationMetadatas(payload, '', false, false)
      .map(({ propertyName }) => propertyName),
  );
