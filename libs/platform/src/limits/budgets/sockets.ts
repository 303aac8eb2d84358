import { budget, bytes, counts, rate, settingOf, time } from './budget.js';

const KIB = 1024;
const MIB = 1024 * KIB;
/** Seconds. A longer window has the same rate, and allows a larger burst. */
const WINDOW = 10;

export const SOCKETS = {
  ofAddress: settingOf({
    of: 'connections of an address to a process',
    setting: 'CONNECTIONS_PER_ADDRESS',
    beyond: '429 `RATE_LIMIT` with `Retry-After`',
    refused: 'connectionsOfAddress',
  }),
  openingOfAddress: budget({
    of: 'connections of an address to a process before their sign-in',
    most: 1 / 5,
    shown: () => 'a fifth of `CONNECTIONS_PER_ADDRESS`',
    beyond: '429 `RATE_LIMIT` with `Retry-After`',
    refused: 'connectionsOfAddress',
  }),
  opening: budget({
    of: 'connections to a process before their sign-in',
    most: 5000,
    beyond: '503 `UNAVAILABLE` with `Retry-After`',
    refused: 'handshakes',
  }),
  headers: budget({ of: 'size of request line and headers', most: 8 * KIB, shown: bytes, beyond: '431' }),
  connectTime: budget({
    of: 'time until the first CONNECT',
    most: 10_000,
    shown: time,
    beyond: 'connection closed',
  }),
  signInTime: budget({
    of: 'time until the sign-in at `/ws/chat`',
    most: 15_000,
    shown: time,
    beyond: '`UNAUTHORIZED`, connection closed',
  }),
  closeTime: budget({
    of: 'time until a client has answered the close of its WebSocket',
    most: 1000,
    shown: time,
    beyond: 'connection closed',
  }),
  connecting: budget({
    of: 'unanswered CONNECTs of a namespace',
    most: 1,
    shown: () => '1 a connection',
    beyond: 'connection closed',
  }),
  connects: budget({
    of: 'CONNECTs',
    most: 20,
    shown: (most) => `${most} a connection`,
    beyond: 'connection closed',
  }),
  /** Each looks up a session, and a CONNECT also loads the user's subscriptions. Key: user id. */
  connect: rate({
    of: 'CONNECTs and `join_chat` frames of a user to a process',
    setting: 'READ_RATE',
    times: WINDOW,
    seconds: WINDOW,
    beyond: '`RATE_LIMIT`, transport of a CONNECT closed',
    isOfNode: true,
  }),
  presenceChanges: settingOf({
    of: 'time from the last device’s end until a user is offline, and can be online again',
    setting: 'PRESENCE_GRACE_MS',
    shown: time,
    beyond: 'a reconnect before that is not published',
  }),
  packets: budget({
    of: 'packets of a connection; a part of a message counts as 10, and one without an event, such as a heartbeat, as 100',
    most: 10_000,
    shown: (most) => `${counts(most)} a second`,
    beyond: 'connection closed',
  }),
  openingPackets: budget({
    of: 'packets and parts of messages of a connection before its sign-in',
    most: 100,
    shown: (most) => `${most} a second`,
    beyond: 'connection closed',
  }),
  packet: budget({
    of: 'size of a packet or frame',
    most: { read: 64 * KIB, received: 2 * MIB },
    shown: ({ read }) => bytes(read),
    beyond: '`MESSAGE_TOO_LARGE`; over 2 MiB connection closed',
  }),
  ofHolder: budget({
    of: 'sockets in a process: of a session, of a user',
    most: { ofSession: 200, ofUser: 300 },
    beyond: '`RATE_LIMIT`, transport closed',
    refused: 'sockets',
  }),
  subscriptions: budget({
    of: 'sockets of a user in a process × the subscriptions of each',
    most: { enter: 50_000, stay: 60_000 },
    shown: ({ enter, stay }) => `${counts(enter)} to connect; ${counts(stay)} to stay connected`,
    beyond: '`RATE_LIMIT`, transport closed',
    refused: 'sockets',
  }),
  watched: budget({
    of: 'sockets of a user in a process × the people that one of them watches',
    most: 4000,
    beyond: '`RATE_LIMIT`',
    refused: 'sockets',
  }),
  /** All nodes together count it in blocks (`RateLimits`). Key: user id. */
  socketEvent: rate({
    of: 'events of a user, over all sockets and nodes; each 4 KiB of an event count as one more',
    setting: 'SOCKET_EVENT_RATE',
    times: WINDOW,
    seconds: WINDOW,
    isOfNode: true,
  }),
  eventsAtOnce: budget({
    of: 'sends and cursor updates of a user in a process: at once, waiting; reads by events have the same limit; long events count as several',
    most: { atOnce: 32, waiting: 1000 },
    beyond: '`RATE_LIMIT`',
    refused: 'events at once',
  }),
  refusedEvents: budget({
    of: 'refused events of a user in a process in 10 s',
    most: 5000,
    beyond: 'the user’s connections closed',
    refused: 'refusedEvents',
  }),
  unread: budget({
    of: 'unread bytes of a device',
    most: 4 * MIB,
    shown: bytes,
    beyond: 'connection closed',
    metric: 'websocket_cut_off_total',
  }),
  reading: budget({
    of: 'bytes that a device reads in 15 s while more wait',
    most: 16 * KIB,
    shown: (least) => `${bytes(least)} at least`,
    beyond: 'connection closed',
    metric: 'websocket_cut_off_total',
  }),
  readAtOnce: budget({
    of: 'bytes read from a client before the next client is read',
    most: 16 * KIB,
    shown: () => '64 KiB, twice',
    beyond: 'the client waits',
  }),
  writeTime: budget({
    of: 'time of large writes to many devices before clients are read again',
    most: 5,
    shown: time,
    beyond: 'large writes wait, small ones do not',
  }),
  pongs: budget({
    of: 'unread bytes of a client that sends pings',
    most: 64 * KIB,
    shown: bytes,
    beyond: 'pings are not answered',
  }),
  assistantStranger: budget({
    of: 'frames of a `/ws/chat` connection without a sign-in',
    most: 20,
    beyond: 'connection closed',
  }),
  assistantFrames: budget({
    of: 'waiting frames of a `/ws/chat` connection',
    most: { frames: 200, bytes: 256 * KIB },
    shown: (most) => `${most.frames}, ${bytes(most.bytes)}`,
    beyond: '`RATE_LIMIT`',
    refused: 'assistantFrames',
  }),
  assistantRefusals: budget({
    of: 'refused frames of a `/ws/chat` connection while others wait',
    most: 5000,
    beyond: 'connection closed',
    refused: 'assistantFrames',
  }),
  assistantUnread: budget({
    of: 'unread live events of a `/ws/chat` device, also those that wait while it opens a chat',
    most: MIB,
    shown: bytes,
    beyond: 'connection closed',
    metric: 'websocket_cut_off_total',
  }),
  assistantPiece: budget({
    of: 'characters of a past chat sent to a `/ws/chat` device before it has read them',
    most: 64 * KIB,
    shown: () => '64 Ki',
    beyond: 'the rest waits',
  }),
};
