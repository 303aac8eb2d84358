import type { Config } from '../config.js';
import { HOUR, MINUTE, SECOND, budget, bytes, counts, rate, time, type Rate } from './budget.js';

const RETRIED = '`UNAVAILABLE` with `retry_after_ms`';
const MIB = 1024 * 1024;

/** Key: user id. A window of burst / rate seconds gives the rate and allows the burst. */
const message: Rate = {
  ...rate({
    of: 'messages of a user: sent, forwarded, edited, deleted, pinned, reacted to; each 2 KiB of text, metadata and reactions are one more',
    setting: 'MESSAGE_BURST',
    seconds: SECOND,
  }),
  shown: '30 a second, 500 at once',
  setting: '`MESSAGE_RATE`, `MESSAGE_BURST`',
  seconds: (config: Config) => config.MESSAGE_BURST / config.MESSAGE_RATE,
};

export const WORK = {
  message,
  /** Key: user id; of a refresh, session id. */
  restWrite: rate({
    of: 'writes of a user over REST, refreshes of a session',
    setting: 'REST_WRITE_RATE',
    seconds: SECOND,
  }),
  writesAtOnce: budget({
    of: 'writes of a user at once in a process, over REST, by all other events and to the assistant, and that wait',
    most: { atOnce: 4, waiting: 1000 },
    beyond: '`RATE_LIMIT`',
    refused: 'writes at once',
  }),
  /** All members hear them. Key: user id. */
  typing: rate({
    of: 'starts of typing of a user',
    setting: 'SOCKET_EVENT_RATE',
    times: 1 / 2,
    seconds: 10,
  }),
  /** Set and taken back: followers hear of each. */
  like: rate({ of: 'likes of a user, set and taken back', setting: 'REACH_RATE', seconds: MINUTE }),
  /** Each looks up the rooms of all the user's devices. */
  tie: rate({ of: 'follows and blocks of a user, set and ended', setting: 'REACH_RATE', seconds: MINUTE }),
  /** Each goes through all that one has been told because of the other. Key: the ids of both. */
  blockOfOne: rate({
    of: 'blocks of one user by another, set and ended',
    setting: 'REACH_RATE',
    times: 1 / 6,
    seconds: HOUR,
  }),
  profile: rate({ of: 'changes of a name, handle or picture', setting: 'REACH_RATE', seconds: HOUR }),
  audience: budget({
    of: 'devices of a node that hear a message, a change of one or a start of typing, before it counts as several',
    most: { free: 1024, each: 50 },
    shown: ({ free, each }) => `${counts(free)}; each ${each} beyond are one more`,
    beyond: '`RATE_LIMIT`',
    refused: 'message',
  }),
  largeSends: budget({
    of: 'sends in work × the devices of a node that hear them, of chats that more than 1,024 hear; sends that wait',
    most: { atOnce: 50_000, waiting: 20_000 },
    beyond: '`RATE_LIMIT`',
    refused: 'large sends',
  }),
  sends: budget({
    of: 'sends that wait',
    most: { sends: 20_000, characters: 32 * MIB },
    shown: ({ sends }) => `${counts(sends)}, 32 Mi characters`,
    beyond: RETRIED,
    refused: 'sends',
  }),
  sendsTogether: budget({
    of: 'text of the sends that are stored together',
    most: 128 * 1024,
    shown: () => '128 Ki characters',
    beyond: 'the rest is stored next',
  }),
  readCursors: budget({ of: 'read marks that wait', most: 50_000, beyond: RETRIED, refused: 'marks' }),
  readCursorSteps: budget({
    of: 'messages that a read mark moves over at once, of a member who has written among unread messages',
    most: 10_000,
    beyond: 'the rest in the next batches',
  }),
  receipts: budget({
    of: 'messages of a mark that receipts are looked for among, and told of; of all marks of a look-up',
    most: { lookedAt: 10_000, told: 1000, together: 10_000 },
    beyond: 'older ones are not told of; other marks wait for the next look-up',
  }),
  pausedChat: budget({
    of: 'sends and marks that wait for a change of their chat',
    most: 1000,
    shown: (most) => `${counts(most)} a chat`,
    beyond: RETRIED,
    refused: 'held_chat',
  }),
  chatChanges: budget({
    of: 'changes of a chat or its messages, one at a time; those that wait',
    most: 1000,
    shown: (most) => `${counts(most)} a chat`,
    beyond: RETRIED,
    refused: 'chat_changes',
  }),
  postChanges: budget({
    of: 'comments and reposts of a post, and their ends, one at a time; those that wait',
    most: 1000,
    shown: (most) => `${counts(most)} a post`,
    beyond: RETRIED,
    refused: 'post_changes',
  }),
  lookUps: budget({
    of: 'likes, booking requests, times of the last visit, and look-ups of connecting devices that wait',
    most: { likes: 20_000, bookings: 10_000, lastVisits: 100_000, devices: 50_000 },
    beyond: RETRIED,
  }),
  chatUpdates: budget({
    of: '`chat:updated` of a changed chat; of a group of more than 32',
    most: { small: 100, large: 1000 },
    shown: ({ small, large }) => `one in ${time(small)}; ${time(large)}`,
    beyond: 'told together',
  }),
  chatViews: budget({
    of: 'looks at once at changed chats with up to 32 devices on a node, and at those with more',
    most: { small: 3, large: 1 },
    beyond: 'they wait, one entry for each chat',
  }),
  nodes: budget({
    of: 'messages that wait to be told to other nodes',
    most: { messages: 10_000, characters: 16 * MIB },
    shown: ({ messages, characters }) => `${counts(messages)}, ${bytes(characters)}`,
    beyond: 'dropped; the others’ devices sync',
    metric: 'node_messages_dropped_total',
  }),
  applyCommands: budget({
    of: 'time in which a node does what others tell it, before anything else is done',
    most: 5,
    shown: time,
    beyond: 'the rest waits',
  }),
  resyncs: budget({
    of: 'resyncs of all devices of a node',
    most: 5000,
    shown: (most) => `one in ${time(most)}`,
    beyond: 'done together',
    metric: 'node_resyncs_total',
  }),
};
