import type { ClientEvent } from '#contracts';
import { ModelServer, PlainClient, TestApp } from '#testing';
import { DIALECT_EVENTS, EVENTS, FRAMES } from './access-table.js';
import { internalErrors } from './counted.js';
import { holds, MESSAGES, withBodies, type Ready } from './properties.js';

let model: ModelServer;
let app: TestApp;
beforeAll(async () => {
  model = await ModelServer.start();
  app = await TestApp.start({ OPENAI_API_KEY: 'test', OPENAI_BASE_URL: model.url });
});
afterAll(() => app.stop().finally(() => model.stop()));
afterEach(async () => expect(await internalErrors(app.url)).toBe(0));

describe('any payload is answered on the same connection, and stores nothing unless it is accepted:', () => {
  const asEvent =
    (event: string): Ready =>
    async (scenario, who) => {
      const device = await app.device(scenario.people[who]);
      return async (payload) => {
        const { code } = await device.send(event as ClientEvent, payload as object);
        expect(device.socket.connected).toBe(true);
        return code;
      };
    };

  it.each(withBodies(EVENTS))('%s', (event, row) => holds(app, row, asEvent(event)));

  it.each(MESSAGES)('a message: %s', (_, body) => {
    const event = 'chat:message:send';
    return holds(app, [EVENTS[event][0], { chat_id: '{chat}', ...body }], asEvent(event));
  });

  /** Some of these refuse in a `message`, and some in an `error`. */
  const asDialect =
    (name: string): Ready =>
    async (scenario, who) => {
      const [namespace, event] = name.split(' ') as [string, string];
      const client = PlainClient.open(app.url + namespace, {
        transports: ['websocket'],
        reconnection: false,
        auth: { token: scenario.people[who].token },
      });
      app.keep(Object.assign(client, { violations: [] }));
      await client.ask('nonsense', {});
      return async (payload) => {
        const { error, status, message } = await client.ask(event, payload);
        expect(client.socket.connected).toBe(true);
        return (error ?? (status === 'error' ? message : undefined)) as string | undefined;
      };
    };
  // Events without required fields accept everything.
  const demanding = withBodies(DIALECT_EVENTS).filter(([name]) => !name.endsWith(' ping'));

  it.each(demanding)('%s', (name, row) => holds(app, row, asDialect(name)));

  const asFrame =
    (type: string): Ready =>
    async (scenario, who) => {
      const client = await app.assistant();
      const { token } = scenario.people[who];
      const chatId = await scenario.fixture('conversation');
      const refusals = async () => {
        const before = client.all('error').length;
        client.send('fence');
        const fenced = () =>
          client.all('error').findIndex(({ message }, i) => i >= before && message === FENCE);
        await client.until(() => fenced() >= 0 || undefined, 'no answer');
        return client.all('error').slice(before, fenced());
      };
      return async (payload) => {
        // The payload before may have changed or left the chat.
        client.send('join_chat', { token, chatId });
        await refusals();
        const before = client.all('error').length;
        const own = type === 'join_chat' && typeof payload === 'object' && { token };
        client.send(type, own ? { ...payload, ...own } : (payload as object));
        await refusals();
        const [refused] = client.all('error').slice(before);
        expect(client.dropped).toBeUndefined();
        const asked = client.all('user_message').length;
        await client.until(
          () => client.all('assistant_message_complete').length >= asked || undefined,
          'an answer',
        );
        return refused!.message === FENCE ? undefined : refused!.code;
      };
    };
  const FENCE = 'Unknown message type';

  it.each(withBodies(FRAMES))('%s', (type, row) => holds(app, row, asFrame(type)));
});
