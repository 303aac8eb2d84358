import { MAX_PAGE } from '#contracts';
import { budget, bytes, counts, rate, time } from './budget.js';

/** A longer window has the same rate, and lets more come at once. Seconds. */
const WINDOW = 10;
const HEAVY_READER = 32;
const HEAVY_SEARCHER = 10;

export const READS = {
  /** Key: user id. */
  read: rate({
    of: 'reads of a user, over REST and by events, chats opened at `/ws/chat`; each 16 Ki characters of an answer are one more, and each 390 rooms of a socket that connects',
    setting: 'READ_RATE',
    times: WINDOW,
    seconds: WINDOW,
  }),
  ofOne: budget({
    of: 'reads at once in a process, and that wait: of a user, of an address that reads `/metrics`',
    most: { atOnce: 4, waiting: 200 },
    beyond: '`RATE_LIMIT`',
    refused: 'reads at once',
  }),
  ofAll: budget({
    of: `reads in work, a process: of readers who had more than ${HEAVY_READER} of late (each 50 ms are one more), or have another in work`,
    most: { light: HEAVY_READER, atOnce: 1, waiting: 5000 },
    shown: () => '1, and 1 more for each 16 that wait; 5,000 wait',
    beyond: 'the reader that had least is next',
    refused: 'reads at once',
  }),
  /** Key: user id. */
  search: rate({ of: 'searches of a user', setting: 'SEARCH_RATE', times: WINDOW, seconds: WINDOW }),
  searchesOfOne: budget({
    of: 'searches of a user at once in a process, and that wait',
    most: { atOnce: 2, waiting: 4 },
    beyond: '`RATE_LIMIT`',
    refused: 'searches of one user',
  }),
  searchesOfAll: budget({
    of: `searches in work, a process: of users who had more than ${HEAVY_SEARCHER} of late`,
    most: { light: HEAVY_SEARCHER, atOnce: 1, waiting: 40 },
    shown: () => '1; 40 wait',
    beyond: 'the user that had least is next',
    refused: 'searches',
  }),
  searchConnections: budget({
    of: 'connections for searches, and searches that wait for them',
    most: { connections: 4, waiting: 40 },
    beyond: '`UNAVAILABLE`',
    refused: 'searches',
  }),
  searchInChat: budget({
    of: 'a search in a chat',
    most: { messages: 10_000, steps: 32, stepBytes: 64 * 1024, ms: 500 },
    shown: ({ messages, steps, stepBytes, ms }) =>
      `${counts(messages)} messages, ${bytes(steps * stepBytes)}, ${time(ms)}`,
    beyond: 'ends, with its cursor',
  }),
  searchTime: budget({ of: 'a statement of a search', most: 3000, shown: time, beyond: '`UNAVAILABLE`' }),
  deletedUnread: budget({
    of: 'deleted messages after a read mark that an unread count leaves out',
    most: 1000,
    beyond: 'the rest counts as unread',
  }),
  largePages: budget({
    of: 'pages of messages of more than 64 KiB that are read at once, a process',
    most: { bytes: 64 * 1024, atOnce: 1, waiting: 5000 },
    shown: () => '1, and 1 more for each 16 that wait; 5,000 wait',
    beyond: 'the reader that had least is next',
    refused: 'large pages',
  }),
  page: budget({
    of: 'a page of a list',
    most: { items: MAX_PAGE, bytes: 1_000_000 },
    shown: ({ items }) => `${items} items, about 1 MB`,
    beyond: 'ends, with its cursor',
  }),
};
