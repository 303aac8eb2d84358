import { MAX_MARKS_ON_LETTER, MAX_TYPED } from '#contracts';
import { budget, bytes, settingOf, time } from './budget.js';

const KIB = 1024;
const MIB = 1024 * KIB;

export const BEFORE_SIGN_IN = {
  requestTime: budget({
    of: 'time for a request to arrive, headers and body',
    most: 30_000,
    shown: time,
    beyond: '408 if nothing was answered, connection closed',
    metric: 'http_timeouts_total{phase=request}',
  }),
  answerTime: budget({
    of: 'time to read an answer, from its first byte on',
    most: 30_000,
    shown: time,
    beyond: 'connection closed',
    metric: 'http_timeouts_total{phase=answer}',
  }),
  requestsOfConnection: budget({
    of: 'requests in work: of a connection, and that wait',
    most: { inWork: 1, waiting: 16 },
    beyond: 'connection closed',
    refused: 'requestsOfConnection',
  }),
  idleConnections: budget({
    of: 'connections without a request, a process',
    most: 5000,
    beyond: 'those without one for the longest closed, first of who opens more',
    refused: 'idleConnections',
  }),
  requestsOfAddress: settingOf({
    of: 'connections with a request in work, of an address',
    setting: 'CONNECTIONS_PER_ADDRESS',
    beyond: '`RATE_LIMIT`',
    refused: 'requestsOfAddress',
  }),
  requests: budget({
    of: 'the same of a process, whose bodies have arrived',
    most: 5000,
    beyond: '`UNAVAILABLE`',
    refused: 'requests',
  }),
  unfinished: budget({
    of: 'bytes of what has arrived in part, a process: bodies, frames, messages; 8 KiB more of a request that waits for its body',
    most: 32 * MIB,
    shown: bytes,
    beyond: 'connections that hold most for longest closed, first of networks that hold most',
    refused: 'unfinished',
  }),
  unread: budget({
    of: 'bytes that wait for clients to read, a process: answers, events, frames',
    most: 64 * MIB,
    shown: bytes,
    beyond: 'connections that hold most closed',
    refused: 'unread',
  }),
  lookUps: budget({
    of: 'database look-ups for `/health/ready`, `/metrics`',
    most: 1000,
    shown: () => '1 a second and kind',
    beyond: 'the last answer is given again',
  }),
  body: budget({
    of: 'body of a request',
    most: 64 * KIB,
    shown: bytes,
    beyond: '`MESSAGE_TOO_LARGE`',
  }),
  bodies: budget({
    of: 'memory of the bodies of requests in work, a process: their characters, and 64 bytes for each value',
    most: 32 * MIB,
    shown: bytes,
    beyond: '`UNAVAILABLE`',
    refused: 'bodies',
  }),
  values: budget({
    of: 'values of a payload: each key, and each element of a list',
    most: 2000,
    beyond: '`INVALID_DATA`, in a CONNECT `UNAUTHORIZED`, before it is parsed',
  }),
  depth: budget({
    of: 'depth of JSON; objects of a list',
    most: 32,
    shown: (depth) => `${depth}; as many as the list may have`,
    beyond: '`INVALID_DATA`, and none is looked at',
  }),
  email: budget({
    of: 'characters of an e-mail address, as typed',
    most: MAX_TYPED,
    beyond: '`INVALID_DATA`',
  }),
  marksOfLetter: budget({
    of: 'marks on a letter of a text',
    most: MAX_MARKS_ON_LETTER,
    beyond: 'parted by U+034F',
  }),
};
