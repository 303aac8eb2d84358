import { MAX_MARKS_ON_LETTER, MAX_TYPED } from '#contracts';
import { budget, bytes, counts, rate, settingOf, time } from './budget.js';

const KIB = 1024;
const MIB = 1024 * KIB;
/** Seconds. A longer window has the same rate, and allows a larger burst. */
const WINDOW = 10;

export const BEFORE_SIGN_IN = {
  requestTime: budget({
    of: 'time until a request has arrived, headers and body',
    most: 30_000,
    shown: time,
    beyond: '408 unless an answer was sent; connection closed',
    metric: 'http_timeouts_total{phase=request}',
  }),
  answerTime: budget({
    of: 'time until a client has read an answer, from its first byte on',
    most: 30_000,
    shown: time,
    beyond: 'connection closed',
    metric: 'http_timeouts_total{phase=answer}',
  }),
  earlyAnswers: budget({
    of: 'bytes of a body that are read after an early answer, and the time for it',
    most: { bytes: 2 * MIB, ms: 2000 },
    shown: (most) => `${bytes(most.bytes)}, ${time(most.ms)}`,
    beyond: 'connection closed',
  }),
  requestsOfConnection: budget({
    of: 'requests of a connection: in progress, waiting',
    most: { inWork: 1, waiting: 16 },
    beyond: 'connection closed, the rest of its bytes not parsed',
    refused: 'requestsOfConnection',
  }),
  newConnections: budget({
    of: 'new connections of an address to a process without a proxy',
    most: 1 / 10,
    shown: () => 'a tenth of `CONNECTIONS_PER_ADDRESS` a second',
    beyond: 'connection closed',
    refused: 'newConnections',
  }),
  idleConnections: budget({
    of: 'connections of a process without a request',
    most: 5000,
    beyond: 'the longest idle connection closed, or one of the new connection’s network if that has more',
    refused: 'idleConnections',
  }),
  requestsOfAddress: settingOf({
    of: 'connections of an address with a request in progress, except polls',
    setting: 'CONNECTIONS_PER_ADDRESS',
    beyond: '`RATE_LIMIT`, connection closed',
    refused: 'requestsOfAddress',
  }),
  requests: budget({
    of: 'connections of a process with a request in progress whose body has arrived, except polls',
    most: 5000,
    beyond: '`UNAVAILABLE`',
    refused: 'requests',
  }),
  /** New connections are accepted between turns, so turns have to be short. */
  requestStarts: budget({
    of: 'requests, also polls, that start in a turn of the event loop; waiting ones',
    most: { atOnce: 4, waiting: 5000 },
    beyond: 'networks start requests in turn; `UNAVAILABLE`, connection closed',
    refused: 'requests',
  }),
  /** Each is large for an answer without a sign-in. Key: network. */
  docs: rate({
    of: 'requests of an address for files of `/docs`, to a process',
    setting: 'SEARCH_RATE',
    times: WINDOW,
    seconds: WINDOW,
    isOfNode: true,
  }),
  unfinished: budget({
    of: 'bytes of incomplete bodies, frames and messages in a process; a request without its whole body adds 8 KiB',
    most: 32 * MIB,
    shown: bytes,
    beyond:
      'connections with the most bytes for the longest time closed, first those of networks with the most',
    refused: 'unfinished',
  }),
  shortPieces: budget({
    of: 'pieces below 512 bytes of an incomplete body, frame or message',
    most: { pieces: 1000, bytes: 512 },
    shown: ({ pieces }) => counts(pieces),
    beyond: 'connection closed',
    refused: 'unfinished',
  }),
  unread: budget({
    of: 'unread bytes of answers, events and frames in a process',
    most: 64 * MIB,
    shown: bytes,
    beyond: 'connections with the most unread bytes closed',
    refused: 'unread',
  }),
  lookUps: budget({
    of: 'database queries for `/health/ready`, `/metrics`, and the measurement of the process for `/metrics`',
    most: 1000,
    shown: () => '1 a second for each',
    beyond: 'the last result is repeated',
  }),
  body: budget({
    of: 'size of a request body',
    most: 64 * KIB,
    shown: bytes,
    beyond: '`MESSAGE_TOO_LARGE`',
  }),
  bodies: budget({
    of: 'memory of the request bodies in progress in a process: characters, plus 64 bytes for each value',
    most: 32 * MIB,
    shown: bytes,
    beyond: '`UNAVAILABLE`',
    refused: 'bodies',
  }),
  values: budget({
    of: 'keys and list elements of a payload',
    most: 2000,
    beyond: '`INVALID_DATA`, or `UNAUTHORIZED` for a CONNECT, before parsing',
  }),
  depth: budget({
    of: 'depth of JSON; objects of a list',
    most: 32,
    shown: (depth) => `${depth}; as many as the list may have`,
    beyond: '`INVALID_DATA`, before validation of the objects',
  }),
  email: budget({
    of: 'characters of a typed e-mail address',
    most: MAX_TYPED,
    beyond: '`INVALID_DATA`',
  }),
  marksOfLetter: budget({
    of: 'combining marks on a letter',
    most: MAX_MARKS_ON_LETTER,
    beyond: 'separated by U+034F',
  }),
};
