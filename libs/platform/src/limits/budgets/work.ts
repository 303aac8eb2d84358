import type { Config } from '../../config/config.js';
import { HOUR, MINUTE, SECOND, budget, bytes, counts, rate, time, type Rate } from './budget.js';

const RETRIED = '`UNAVAILABLE` with `retry_after_ms`';
const MIB = 1024 * 1024;
const HEAVY_WRITER = 32;

/** Key: user id. A window of burst / rate seconds gives the rate and allows the burst. */
const message: Rate = {
  ...rate({
    of: 'sends, forwards, edits, deletions, pins and reactions of a user; each 2 KiB of text, metadata and reactions count as one more',
    setting: 'MESSAGE_BURST',
    seconds: SECOND,
  }),
  shown: '30 a second, 500 at once',
  setting: '`MESSAGE_RATE`, `MESSAGE_BURST`',
  seconds: (config: Config) => config.MESSAGE_BURST / config.MESSAGE_RATE,
};

export const WORK = {
  message,
  /** Key: user id. */
  restWrite: rate({
    of: 'writes of a user over REST, and refreshes of their sessions',
    setting: 'REST_WRITE_RATE',
    seconds: SECOND,
  }),
  writesAtOnce: budget({
    of: 'writes of a user in a process over REST, by all other events and to the assistant: at once, waiting',
    most: { atOnce: 4, waiting: 1000 },
    beyond: '`RATE_LIMIT`',
    refused: 'writes at once',
  }),
  writesOfAll: budget({
    of: `these writes at once in a process, of users with a recent use over ${HEAVY_WRITER} (each 50 ms count as one more) or another write in progress`,
    most: { light: HEAVY_WRITER, atOnce: 4, waiting: 5000, ms: 10_000 },
    shown: ({ ms }) => `4, or 1 for each 16 waiting if that is more; 5,000 waiting; ${time(ms)}`,
    beyond: `the user with the least recent use is next; ${RETRIED}`,
    refused: 'writes of all',
  }),
  /** All members receive them. Key: user id. */
  typing: rate({
    of: 'starts of typing of a user',
    setting: 'SOCKET_EVENT_RATE',
    times: 1 / 2,
    seconds: 10,
  }),
  /** Followers receive each like and each removal. */
  like: rate({ of: 'likes of a user, set and removed', setting: 'REACH_RATE', seconds: MINUTE }),
  /** Each changes the subscriptions of the user's devices, on every node. */
  tie: rate({ of: 'follows and blocks of a user, set and removed', setting: 'REACH_RATE', seconds: MINUTE }),
  /** Each reads all notifications that one user caused for the other. Key: the ids of both. */
  blockOfOne: rate({
    of: 'blocks of one user by another, set and removed',
    setting: 'REACH_RATE',
    times: 1 / 6,
    seconds: HOUR,
  }),
  profile: rate({ of: 'changes of a name, handle or picture', setting: 'REACH_RATE', seconds: HOUR }),
  audience: budget({
    of: 'devices of a node that receive a message, its change or a start of typing, before it counts as several',
    most: { free: 1024, each: 50 },
    shown: ({ free, each }) => `${counts(free)}; each further ${each} count as one more`,
    beyond: '`RATE_LIMIT`',
    refused: 'message',
  }),
  largeSends: budget({
    of: 'sends at once × receiving devices of a node, in chats with more than 1,024 of them; waiting sends',
    most: { atOnce: 50_000, waiting: 20_000 },
    beyond: '`RATE_LIMIT`',
    refused: 'large sends',
  }),
  sends: budget({
    of: 'waiting sends',
    most: { sends: 20_000, characters: 32 * MIB },
    shown: ({ sends }) => `${counts(sends)}, 32 Mi characters`,
    beyond: RETRIED,
    refused: 'sends',
  }),
  sendsTogether: budget({
    of: 'text of the sends in one batch',
    most: 128 * 1024,
    shown: () => '128 Ki characters',
    beyond: 'the rest is in the next batch',
  }),
  readCursors: budget({ of: 'waiting read cursor updates', most: 50_000, beyond: RETRIED, refused: 'marks' }),
  /** The shortest steps come first. */
  readCursorSteps: budget({
    of: 'messages that a read cursor passes at once, if its member has sent some of the unread messages; all cursors together',
    most: { each: 10_000, together: 20_000 },
    beyond: 'the rest follows in the next batches',
  }),
  receipts: budget({
    of: 'messages of a cursor update: searched for receipts, with receipts; messages of one lookup',
    most: { lookedAt: 10_000, published: 1000, together: 10_000 },
    beyond: 'older messages get no receipt; further updates wait for the next lookup',
  }),
  receiptCounts: budget({
    of: 'chats of more than 32 whose receipts a process counts at once; counts of a chat; counted messages',
    most: { atOnce: 1, interval: 1000, messages: 50 },
    shown: ({ atOnce, interval, messages }) => `${atOnce}; one in ${time(interval)}; ${messages}`,
    beyond: 'chats wait, each with one entry; older messages get no receipt',
  }),
  /** The events of one command fit in a turn for 300 devices, the most that a user has in a process. */
  queuedEvents: budget({
    of: 'receipts and changed notifications × devices of their users in a turn of the event loop, at least 16 for each command; events of one command; waiting events',
    most: { packets: 5000, together: 16, waiting: 100_000 },
    beyond: 'the rest waits; further cursor updates wait for their lookup',
  }),
  pausedChat: budget({
    of: 'sends and cursor updates that wait for a change of their chat',
    most: 1000,
    shown: (most) => `${counts(most)} a chat`,
    beyond: RETRIED,
    refused: 'held_chat',
  }),
  chatChanges: budget({
    of: 'waiting changes of a chat or its messages; one runs at a time',
    most: 1000,
    shown: (most) => `${counts(most)} a chat`,
    beyond: RETRIED,
    refused: 'chat_changes',
  }),
  postChanges: budget({
    of: 'waiting comments and reposts of a post, and their deletions; one runs at a time',
    most: 1000,
    shown: (most) => `${counts(most)} a post`,
    beyond: RETRIED,
    refused: 'post_changes',
  }),
  lookUps: budget({
    of: 'waiting likes, booking requests, times of the last visit, and subscription loads of connecting devices',
    most: { likes: 20_000, bookings: 10_000, lastVisits: 100_000, devices: 50_000 },
    beyond: RETRIED,
    refused: 'lookUps',
  }),
  subscriptionChanges: budget({
    of: 'remembered changes of the subscriptions of a connected user',
    most: 1000,
    beyond: 'the oldest is forgotten',
  }),
  chatUpdates: budget({
    of: '`chat:updated` of a changed chat; of a group of more than 32',
    most: { small: 100, large: 1000 },
    shown: ({ small, large }) => `one in ${time(small)}; ${time(large)}`,
    beyond: 'changes are combined',
  }),
  /** A chat of 11 KiB for 200 devices is shown once a second. */
  chatsOfUser: budget({
    of: '`chat:updated` of all chats to a user with more than 10 devices on the node',
    most: { few: 10, ofDevice: 5 },
    shown: ({ ofDevice }) => `one in ${time(ofDevice)} × devices`,
    beyond: 'the chats of the user wait, each with one entry for a device; changes are combined',
  }),
  chatViews: budget({
    of: 'changed chats that a node renders at once: for up to 32 devices, for more',
    most: { small: 3, large: 1 },
    beyond: 'chats wait, each with one entry for a device; changes are combined',
  }),
  messageForms: budget({
    of: 'frames of a changed message, by the names that blocks keep for its people',
    most: 50,
    beyond: 'the names are `…` in that event',
  }),
  nodes: budget({
    of: 'commands waiting to be published to other nodes',
    most: { messages: 10_000, characters: 16 * MIB },
    shown: ({ messages, characters }) => `${counts(messages)}, ${bytes(characters)}`,
    beyond: 'dropped; the other nodes resync',
    metric: 'node_messages_dropped_total',
  }),
  applyCommands: budget({
    of: 'time in which a node applies commands of other nodes before other work',
    most: 5,
    shown: time,
    beyond: 'the rest waits',
  }),
  resyncs: budget({
    of: 'resyncs of all devices of a node',
    most: 5000,
    shown: (most) => `one in ${time(most)}`,
    beyond: 'later ones are combined',
    metric: 'node_resyncs_total',
  }),
};
