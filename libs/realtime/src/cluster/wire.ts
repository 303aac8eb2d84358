import type { OutgoingEvent } from '../hub/outgoing-event.js';
import { assistantTopic, chatTopic, userTopic, type Topic, type TopicKind } from '../topics.js';
import type { ClusterCommand, Signal } from './command.js';

/**
 * A command in JSON. During an update, nodes of two versions read one stream, so the names and keys must not change. A
 * node that does not know `change` reads the subscriptions from the database.
 */
export interface WireCommand {
  name:
    | 'broadcast'
    | 'disconnectSockets'
    | 'refreshSubscriptions'
    | 'chatChanged'
    | 'typingEnds'
    | 'stopAnswersOf';
  rooms: string[];
  except?: string[];
  what?: unknown;
  change?: { member: boolean; version: string; xid: string };
}

interface WirePacket {
  type: typeof EVENT_PACKET;
  data: [event: string, payload?: unknown];
  each?: object[];
  own?: { room: string; fields: object };
}

/** The packet type of an event in Socket.IO's protocol. */
const EVENT_PACKET = 2;

const NAMES = {
  user: 'user',
  session: 'session',
  chat: 'chat',
  followers: 'followers',
  friends: 'friends',
  blocked: 'cut',
  watchers: 'watchers',
  assistant: 'assistant',
} as const satisfies Record<TopicKind, string>;
const KINDS = new Map(Object.entries(NAMES).map(([kind, name]) => [name, kind as TopicKind]));

const roomOf = ({ kind, id }: Topic) => `${NAMES[kind]}:${id}`;

/** @returns undefined for the id of a connection */
function topicOf(room: string): Topic | undefined {
  const at = room.indexOf(':');
  const kind = KINDS.get(room.slice(0, Math.max(at, 0)) as (typeof NAMES)[TopicKind]);
  return kind && { kind, id: room.slice(at + 1) };
}

/** A connection is its own room. */
const roomsOf = (topics: Topic[], connection?: string) => [
  ...topics.map(roomOf),
  ...(connection ? [connection] : []),
];

const connectionOf = (rooms: string[] = []) => rooms.find((room) => !topicOf(room));

const topicsOf = (rooms: string[] = []) => rooms.map(topicOf).filter((topic) => topic !== undefined);

export function toWire(command: ClusterCommand): WireCommand {
  switch (command.name) {
    case 'deliver': {
      const { event, topics, except = [], exceptConnection } = command.delivery;
      const excluded = roomsOf(except, exceptConnection);
      return { name: 'broadcast', rooms: topics.map(roomOf), except: excluded, what: toPacket(event) };
    }
    case 'signOut':
      return { name: 'disconnectSockets', rooms: [roomOf(command.topic)] };
    case 'subscriptionsChanged': {
      const { topic, userIds, change } = command;
      return {
        name: 'refreshSubscriptions',
        rooms: usersOf(userIds),
        what: roomOf(topic),
        change: change && { member: change.member, version: `${change.version}`, xid: `${change.xid}` },
      };
    }
    case 'signal':
      return signalToWire(command);
  }
}

function signalToWire({ signal, data }: Signal): WireCommand {
  switch (signal) {
    case 'chatChanged': {
      const { chatId, onlyUserIds, exceptUserIds, exceptConnection } = data;
      const except = roomsOf(exceptUserIds.map(userTopic), exceptConnection);
      return { name: signal, rooms: usersOf(onlyUserIds), except, what: roomOf(chatTopic(chatId)) };
    }
    case 'typingEnds':
      return {
        name: signal,
        rooms: usersOf(data.userIds),
        ...(data.chatId !== undefined && { what: roomOf(chatTopic(data.chatId)) }),
      };
    case 'stopAnswersOf':
      return { name: signal, rooms: usersOf([data.userId]) };
    case 'stopAnswer': {
      const what = toPacket({ name: 'assistant', payload: { ...data, stop: true } });
      return { name: 'broadcast', rooms: [roomOf(assistantTopic(data.chatId))], what };
    }
  }
}

const usersOf = (userIds: string[]) => userIds.map((id) => roomOf(userTopic(id)));

/** @returns undefined for a command that this version does not know */
export function fromWire({ name, rooms, except, what, change }: WireCommand): ClusterCommand | undefined {
  switch (name) {
    case 'broadcast':
      return fromBroadcast(rooms, except, what as WirePacket);
    case 'disconnectSockets': {
      const [topic] = topicsOf(rooms);
      return topic && { name: 'signOut', topic };
    }
    case 'refreshSubscriptions': {
      const topic = topicOf(what as string);
      return (
        topic && { name: 'subscriptionsChanged', topic, userIds: idsOf(rooms), change: toChange(change) }
      );
    }
    case 'chatChanged': {
      const chatId = topicOf(what as string)!.id;
      const exceptConnection = connectionOf(except);
      const data = { chatId, onlyUserIds: idsOf(rooms), exceptUserIds: idsOf(except), exceptConnection };
      return { name: 'signal', signal: name, data };
    }
    case 'typingEnds':
      return {
        name: 'signal',
        signal: name,
        data: { userIds: idsOf(rooms), ...(what !== undefined && { chatId: topicOf(what as string)!.id }) },
      };
    case 'stopAnswersOf':
      return { name: 'signal', signal: name, data: { userId: idsOf(rooms)[0]! } };
    default:
      return undefined;
  }
}

const idsOf = (rooms?: string[]) => topicsOf(rooms).map(({ id }) => id);

const toChange = (change: WireCommand['change']) =>
  change && { member: change.member, version: BigInt(change.version), xid: BigInt(change.xid) };

function fromBroadcast(
  rooms: string[],
  except: string[] | undefined,
  packet: WirePacket,
): ClusterCommand | undefined {
  const event = toEvent(packet);
  const { chatId, stop } = (event.name === 'assistant' ? event.payload : {}) as {
    chatId?: string;
    stop?: true;
  };
  if (stop) return { name: 'signal', signal: 'stopAnswer', data: { chatId: chatId! } };
  const topics = topicsOf(rooms);
  // No topics would mean every connection.
  if (topics.length === 0 && rooms.length > 0) return undefined;
  const exceptConnection = connectionOf(except);
  return { name: 'deliver', delivery: { event, topics, except: topicsOf(except), exceptConnection } };
}

function toPacket({ name, payload, payloads, own }: OutgoingEvent): WirePacket {
  return {
    type: EVENT_PACKET,
    data: payloads ? [name] : [name, payload],
    each: payloads,
    own: own && { room: roomOf(userTopic(own.userId)), fields: own.fields },
  };
}

function toEvent({ data: [name, payload], each, own }: WirePacket): OutgoingEvent {
  return {
    name: name as OutgoingEvent['name'],
    payload,
    payloads: each,
    own: own && { userId: topicOf(own.room)!.id, fields: own.fields },
  };
}
