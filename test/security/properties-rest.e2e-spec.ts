import { ErrorBody } from '#contracts';
import { contractErrors, TestApp } from '#testing';
import fc from 'fast-check';
import { ROUTES, type Row } from './access-table.js';
import { ODD } from './mutations.js';
import { holds, MESSAGES, RUNS, withBodies, type Ready } from './properties.js';
import { Scenario } from './scenario.js';

interface Operation {
  requestBody?: object;
  parameters: { name: string; in: string }[];
}

let app: TestApp;
let paths: Record<string, Record<string, Operation>>;
beforeAll(async () => {
  app = await TestApp.start();
  ({ paths } = (await (await fetch(`${app.url}/docs-json`)).json()) as { paths: typeof paths });
});
afterAll(() => app.stop());

const over =
  (route: string): Ready =>
  async (scenario, who) => {
    const [method, path] = (await scenario.fill(route)).split(' ') as [string, string];
    return async (payload) => {
      const headers = { authorization: `Bearer ${scenario.token(who)}`, 'content-type': 'application/json' };
      const response = await fetch(app.url + path, { method, headers, body: JSON.stringify(payload) });
      const text = await response.text();
      if (response.ok) return undefined;
      const body = JSON.parse(text) as ErrorBody;
      expect(contractErrors(ErrorBody, body)).toEqual([]);
      return body.code;
    };
  };

/** With all optional fields, where the table has only the required ones. */
const FULL: Record<string, object> = {
  'POST /api/v2/auth/register': {
    email: '{email}',
    password: 'correct horse battery',
    name: 'New',
    avatar: 'https://example.com/x.jpg',
    device: 'Pixel 9',
  },
  'PATCH /api/v2/users/me': { name: 'A', handle: 'another', avatar: null, is_master: true, locale: 'en' },
  'PUT /api/v2/users/me/availability': {
    timezone: 'Europe/Moscow',
    weekly: [{ weekday: 1, from: '09:00', to: '18:00' }],
    days_off: ['2030-12-31'],
    min_notice_minutes: 30,
  },
  'PUT /api/v2/notifications/preferences': {
    types: { mention: false },
    quiet_hours: { from: '22:00', to: '08:00', timezone: 'Europe/Moscow' },
  },
  'POST /api/v2/posts': { content: 'A post', media_urls: ['https://example.com/x.jpg'] },
  'POST /api/v2/bookings': {
    service_id: '{service}',
    starts_at: '{slot}',
    note: 'The blue one',
    price: 2000,
    duration: 60,
  },
  'POST /api/v2/bookings/{visited}/review': { rating: 5, text: 'Fine' },
};

describe('any body is answered, and stores nothing unless it is accepted:', () => {
  it.each(withBodies(ROUTES))('%s', (route, [access, body]) =>
    holds(app, [access, FULL[route] ?? body], over(route)),
  );

  it.each(MESSAGES)('a message: %s', (_, body) => {
    const route = 'POST /api/v2/chats/{chat}/messages';
    const [access] = ROUTES[route] as Row;
    return holds(app, [access, body], over(route));
  });

  it('every route with a body is tested', () => {
    const shape = (route: string) => route.replace(/\{\w+\}/g, '{}');
    const documented = Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).flatMap(([method, { requestBody }]) =>
        requestBody ? [shape(`${method.toUpperCase()} ${path}`)] : [],
      ),
    );
    const tried = withBodies(ROUTES).map(([route]) => shape(route));
    expect(tried.sort()).toEqual(documented.sort());
  });
});

it('any address and any query is answered', async () => {
  const scenario = await Scenario.create(app);
  const ids = await Promise.all(['owner', 'chat', 'post', 'service'].map((name) => scenario.fixture(name)));
  const text = ODD.map((odd) => (typeof odd === 'string' ? odd : (JSON.stringify(odd) ?? '')));
  const part = text.filter((one) => one.isWellFormed() && one.length < 2000).map(encodeURIComponent);
  const reads = Object.entries(paths).flatMap(([path, { get }]) => {
    const names = get?.parameters.filter((one) => one.in === 'query').map(({ name }) => name);
    return names ? [[path, names] as const] : [];
  });
  /** The places that get an odd part: one bit each. */
  const places = fc.nat(255);
  const parts = fc.array(part, { minLength: 8, maxLength: 8 });
  const statuses: Record<number, number> = {};
  const property = fc.asyncProperty(
    fc.constantFrom(...reads),
    parts,
    places,
    async ([path, names], odd, bits) => {
      const isOdd = (place: number) => (bits >> place) & 1;
      const address = path.replace(/\{\w+\}/g, () => (isOdd(7) ? odd[7]! : ids[bits % ids.length]!));
      const query = names.flatMap((name, i) => (isOdd(i) ? [`${name}=${odd[i]}`] : [])).join('&');
      const { status } = await app.request('GET', `${address}?${query}`, scenario.token('owner'));
      expect(status).toBeLessThan(500);
      statuses[status] = (statuses[status] ?? 0) + 1;
    },
  );
  await fc.assert(property, { ...RUNS, numRuns: 500 });
  // Enough of each kind to be meaningful.
  for (const status of [200, 400, 404]) expect(statuses[status]).toBeGreaterThan(20);
});
