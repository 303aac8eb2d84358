import { MAX_PAGE } from '#contracts';
import { budget, bytes, counts, rate, time } from './budget.js';

/** Seconds. A longer window has the same rate, and allows a larger burst. */
const WINDOW = 10;
const HEAVY_READER = 32;
const HEAVY_SEARCHER = 10;

export const READS = {
  /** Key: user id. */
  read: rate({
    of: 'reads of a user over REST and by events, and chats opened at `/ws/chat`; each 16 Ki characters of an answer count as one more, and so do each 390 subscriptions of a connecting socket',
    setting: 'READ_RATE',
    times: WINDOW,
    seconds: WINDOW,
  }),
  ofOne: budget({
    of: 'reads of a user, or of an address that reads `/metrics`, in a process: at once, waiting',
    most: { atOnce: 4, waiting: 200 },
    beyond: '`RATE_LIMIT`',
    refused: 'reads at once',
  }),
  ofAll: budget({
    of: `reads at once in a process, of readers with a recent use over ${HEAVY_READER} (each 50 ms count as one more) or another read in progress`,
    most: { light: HEAVY_READER, atOnce: 1, waiting: 5000 },
    shown: () => '1, plus 1 for each 16 waiting; 5,000 waiting',
    beyond: 'the reader with the least recent use is next',
    refused: 'reads at once',
  }),
  /** Key: user id. */
  search: rate({ of: 'searches of a user', setting: 'SEARCH_RATE', times: WINDOW, seconds: WINDOW }),
  searchesOfOne: budget({
    of: 'searches of a user in a process: at once, waiting',
    most: { atOnce: 2, waiting: 4 },
    beyond: '`RATE_LIMIT`',
    refused: 'searches of one user',
  }),
  searchesOfAll: budget({
    of: `searches at once in a process, of users with a recent use over ${HEAVY_SEARCHER}`,
    most: { light: HEAVY_SEARCHER, atOnce: 1, waiting: 40 },
    shown: () => '1; 40 waiting',
    beyond: 'the user with the least recent use is next',
    refused: 'searches',
  }),
  searchConnections: budget({
    of: 'connections for searches, and searches waiting for them',
    most: { connections: 4, waiting: 40 },
    beyond: '`UNAVAILABLE`',
    refused: 'searches',
  }),
  searchInChat: budget({
    of: 'extent of a search in a chat',
    most: { messages: 10_000, steps: 32, stepBytes: 64 * 1024, ms: 500 },
    shown: ({ messages, steps, stepBytes, ms }) =>
      `${counts(messages)} messages, ${bytes(steps * stepBytes)}, ${time(ms)}`,
    beyond: 'the page ends with a cursor',
  }),
  searchTime: budget({ of: 'time of a search statement', most: 3000, shown: time, beyond: '`UNAVAILABLE`' }),
  deletedUnread: budget({
    of: 'deleted messages after a read cursor that an unread count leaves out',
    most: 1000,
    beyond: 'the rest counts as unread',
  }),
  largePages: budget({
    of: 'list pages over 64 KiB that a process reads at once',
    most: { bytes: 64 * 1024, atOnce: 1, waiting: 5000 },
    shown: () => '1, plus 1 for each 16 waiting; 5,000 waiting',
    beyond: 'the reader with the least recent use is next',
    refused: 'large pages',
  }),
  page: budget({
    of: 'size of a list page',
    most: { items: MAX_PAGE, bytes: 1_000_000 },
    shown: ({ items }) => `${items} items, about 1 MB`,
    beyond: 'the page ends with a cursor',
  }),
};
