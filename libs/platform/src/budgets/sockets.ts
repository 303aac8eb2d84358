import { budget, bytes, counts, rate, settingOf, time } from './budget.js';

const KIB = 1024;
const MIB = 1024 * KIB;
/** A longer window has the same rate, and lets more come at once. Seconds. */
const WINDOW = 10;

export const SOCKETS = {
  ofAddress: settingOf({
    of: 'connections of an address, a process',
    setting: 'CONNECTIONS_PER_ADDRESS',
    beyond: '429 `RATE_LIMIT` with `Retry-After`',
    refused: 'connectionsOfAddress',
  }),
  openingOfAddress: budget({
    of: 'of them without a sign-in',
    most: 1 / 5,
    shown: () => 'a fifth',
    beyond: '429 `RATE_LIMIT` with `Retry-After`',
    refused: 'connectionsOfAddress',
  }),
  opening: budget({
    of: 'connections without a sign-in, a process',
    most: 5000,
    beyond: '503 `UNAVAILABLE` with `Retry-After`',
    refused: 'handshakes',
  }),
  headers: budget({ of: 'request line and headers', most: 8 * KIB, shown: bytes, beyond: '431' }),
  connectTime: budget({
    of: 'time to the first CONNECT',
    most: 10_000,
    shown: time,
    beyond: 'connection closed',
  }),
  signInTime: budget({
    of: 'time to sign in at `/ws/chat`',
    most: 15_000,
    shown: time,
    beyond: '`UNAUTHORIZED`, connection closed',
  }),
  connecting: budget({
    of: 'CONNECTs that are being checked, a namespace',
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
  /** Each looks up a user's rooms. Key: user id. */
  connect: rate({
    of: 'CONNECTs of a user, a process',
    setting: 'READ_RATE',
    times: WINDOW,
    seconds: WINDOW,
    beyond: '`RATE_LIMIT`, transport closed',
    isOfNode: true,
  }),
  packets: budget({
    of: 'packets',
    most: 10_000,
    shown: (most) => `${counts(most)} a second`,
    beyond: 'connection closed',
  }),
  packet: budget({
    of: 'size of a packet or frame',
    most: { read: 64 * KIB, received: 2 * MIB },
    shown: ({ read }) => bytes(read),
    beyond: '`MESSAGE_TOO_LARGE`; over 2 MiB connection closed',
  }),
  ofHolder: budget({
    of: 'sockets of a session, of a user, a process',
    most: { ofSession: 200, ofUser: 300 },
    beyond: '`RATE_LIMIT`, transport closed',
    refused: 'sockets',
  }),
  rooms: budget({
    of: 'sockets of a user × the rooms that each is in, a process',
    most: { enter: 50_000, stay: 60_000 },
    shown: ({ enter, stay }) => `${counts(enter)}; ${counts(stay)} of those there`,
    beyond: '`RATE_LIMIT`, transport closed',
    refused: 'sockets',
  }),
  watched: budget({
    of: 'sockets of a user × the people that one of them watches, a process',
    most: 4000,
    beyond: '`RATE_LIMIT`',
    refused: 'sockets',
  }),
  /** Of all nodes together in blocks (`RateLimits`). Key: user id. */
  socketEvent: rate({
    of: 'events of a user, over all sockets and nodes; each 4 KiB of an event are one more',
    setting: 'SOCKET_EVENT_RATE',
    times: WINDOW,
    seconds: WINDOW,
    isOfNode: true,
  }),
  eventsAtOnce: budget({
    of: 'sends and marks of a user in work, a process, and that wait; reads by events in the same way; long ones count as several',
    most: { atOnce: 32, waiting: 1000 },
    beyond: '`RATE_LIMIT`',
    refused: 'events at once',
  }),
  refusedEvents: budget({
    of: 'events of a user that are refused in 10 s, a process',
    most: 5000,
    beyond: 'its connections closed',
    refused: 'refusedEvents',
  }),
  unread: budget({
    of: 'bytes that wait for a device',
    most: 4 * MIB,
    shown: bytes,
    beyond: 'connection closed',
    metric: 'websocket_cut_off_total',
  }),
  reading: budget({
    of: 'bytes that a device takes in 15 s while more waits',
    most: 16 * KIB,
    shown: (least) => `${bytes(least)} at least`,
    beyond: 'connection closed',
    metric: 'websocket_cut_off_total',
  }),
  readAtOnce: budget({
    of: 'bytes of a client that are read before others are read again',
    most: 16 * KIB,
    shown: () => '64 KiB, twice',
    beyond: 'the client waits',
  }),
  writeTime: budget({
    of: 'time in which much is written to many devices, before others are read again',
    most: 5,
    shown: time,
    beyond: 'they wait; devices with little to read do not',
  }),
  pongs: budget({
    of: 'answers to pings of a client that does not read',
    most: 64 * KIB,
    shown: bytes,
    beyond: 'pings are not answered',
  }),
  assistantStranger: budget({
    of: 'frames of a connection of `/ws/chat` without a sign-in',
    most: 20,
    beyond: 'connection closed',
  }),
  assistantFrames: budget({
    of: 'frames of `/ws/chat` that wait for those before',
    most: { frames: 200, bytes: 256 * KIB },
    shown: (most) => `${most.frames}, ${bytes(most.bytes)}`,
    beyond: '`RATE_LIMIT`',
    refused: 'assistantFrames',
  }),
  assistantRefusals: budget({
    of: 'frames of `/ws/chat` that are refused meanwhile',
    most: 5000,
    beyond: 'connection closed',
    refused: 'assistantFrames',
  }),
  assistantUnread: budget({
    of: 'live events that a device of `/ws/chat` has unread',
    most: MIB,
    shown: bytes,
    beyond: 'connection closed',
  }),
  assistantPiece: budget({
    of: 'characters of a chat of `/ws/chat` that are sent before the device has to have taken them',
    most: 64 * KIB,
    shown: () => '64 Ki',
    beyond: 'the rest waits',
  }),
};
