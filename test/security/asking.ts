import { AssistantClient, Device, PlainClient, type TestApp } from '#testing';
import type { Outcome, Row } from './access-table.js';
import type { Who, Scenario } from './scenario.js';

/** Sends the request of a row as one of the people. `none`: about an unknown id. */
export type Ask = (scenario: Scenario, who: Who, name: string, row: Row, none?: boolean) => Promise<Outcome>;

const filled = async (scenario: Scenario, body: object | undefined, none?: boolean) =>
  JSON.parse(await scenario.fill(JSON.stringify(body ?? {}), none)) as Record<string, unknown>;

export const askRest: Ask = async (scenario, who, name, [, body], none) => {
  const [method, path] = name.split(' ') as [string, string];
  const token = scenario.token(who);
  const response = await fetch(scenario.app.url + (await scenario.fill(path, none)), {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(await filled(scenario, body, none)) }),
  });
  const text = await response.text();
  return response.ok ? 'ok' : (JSON.parse(text) as { code: Outcome }).code;
};

/** Opens a connection for each event and sends it at once, like a client that does not wait for `connected`. */
export const askEvent: Ask = async (scenario, who, name, [, body], none) => {
  const { app } = scenario;
  const payload = await filled(scenario, body, none);
  const device = app.keep(Device.open(app.url, scenario.token(who)));
  const answer = new Promise<Outcome>((resolve) => {
    device.socket.emit(name, payload, ({ code }: { code?: Outcome }) => resolve(code ?? 'ok'));
  });
  const turnedAway = new Promise<Outcome>((resolve) => {
    device.socket.once('disconnect', () => resolve(device.all('error')[0]?.code as Outcome));
  });
  const outcome = await Promise.race([answer, turnedAway]);
  device.close();
  return outcome;
};

interface Words {
  handshake: string;
  refusals: Record<string, Outcome>;
}
const DENIED: Words = { handshake: 'Authentication failed', refusals: { 'Access denied': 'FORBIDDEN' } };
/** The dialects' texts for our error codes. */
const WORDS: Record<string, Words> = {
  '/messenger': {
    handshake: 'User not found',
    refusals: {
      'User is not a participant of this chat': 'FORBIDDEN',
      'Chat not found': 'CHAT_NOT_FOUND',
      'Message not found': 'NOT_FOUND',
      'User not found': 'NOT_FOUND',
    },
  },
  '/messenger-classic': DENIED,
  '/chat-basic': DENIED,
};

export const askDialect: Ask = async (scenario, who, name, [, body], none) => {
  const [namespace, event] = name.split(' ') as [string, string];
  const { handshake, refusals } = WORDS[namespace]!;
  const client = PlainClient.open(scenario.app.url + namespace, {
    transports: ['websocket'],
    reconnection: false,
    auth: { token: scenario.token(who) },
  });
  try {
    const refused = await admission(client);
    if (refused !== undefined) return refused === handshake ? 'UNAUTHORIZED' : (refused as Outcome);
    const answer = await client.ask<Record<string, string>>(event, await filled(scenario, body, none));
    const message = answer.error ?? (answer.status === 'error' ? answer.message : undefined);
    return message === undefined ? 'ok' : (refusals[message] ?? (message as Outcome));
  } finally {
    client.close();
  }
};

/** The refusal of a client, or undefined when it is admitted. */
const admission = (client: PlainClient) =>
  new Promise<string | undefined>((resolve) => {
    client.socket.once('connect_error', ({ message }) => resolve(message));
    client.socket.once('error', ({ message }: { message: string }) => resolve(message));
    // The answer to an event comes after a refusal of its sender.
    client.socket.emit('ping', {}, () => resolve(undefined));
  });

/** The connection is the owner's, or of somebody who tries to join the owner's chat. */
export const askAssistant: Ask = async (scenario, who, name, [, body], none) => {
  const client = await scenario.app.assistant();
  const token = scenario.token(who) ?? '';
  client.send('join_chat', { token, chatId: await scenario.fixture('conversation') });
  const before = await refusalsOf(client);
  const own = name === 'join_chat' && { token };
  client.send(name, { ...(await filled(scenario, body, none)), ...own });
  const outcome = (await refusalsOf(client))[before.length];
  client.close();
  return (outcome as Outcome | undefined) ?? 'ok';
};

/** Frames are answered in order, so an invalid frame at the end marks that all refusals have arrived. */
async function refusalsOf(client: AssistantClient): Promise<string[]> {
  const all = () => client.all('error').filter(({ message }) => message === FENCE).length;
  const before = all();
  client.send('fence');
  await client.until(() => all() > before || undefined, 'no answer');
  return client.all('error').flatMap(({ message, code }) => (message === FENCE ? [] : [code!]));
}
const FENCE = 'Unknown message type';

/** A connected user who receives everything that they may. */
export interface Observer {
  received: unknown[];
  settled(): Promise<unknown>;
}

/** Devices of every possible recipient, in every namespace. */
export async function observers(app: TestApp, scenario: Scenario): Promise<Observer[]> {
  const { owner, member, former, stranger, admin } = scenario.people;
  const devices = await app.devices(owner, member, former, stranger, admin);
  const others = await Promise.all(
    Object.keys(WORDS).map(async (namespace) => {
      const client = PlainClient.open(app.url + namespace, { auth: { token: member.token } });
      await client.ask('ping', {});
      return Object.assign(app.keep(Object.assign(client, { violations: [] })), {
        settled: () => client.ask('nonsense', {}),
      });
    }),
  );
  const assistant = await app.assistant();
  await assistant.ask(
    'join_chat',
    { token: owner.token, chatId: await scenario.fixture('conversation') },
    'chat_joined',
  );
  return [...devices, ...others, assistant];
}
