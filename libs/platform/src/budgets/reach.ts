import { BOOKING_LIMITS, MAX_FOLLOWS, MAX_OPEN_REPORTS } from '#contracts';
import { DAY, MINUTE, budget, counts, rate } from './budget.js';

/** Of rates: key is the user's id. */
export const REACH = {
  directChat: rate({ of: 'new direct chats', setting: 'REACH_RATE', seconds: DAY }),
  group: rate({ of: 'new groups', setting: 'REACH_RATE', seconds: MINUTE }),
  groupAdd: rate({ of: 'people added to groups, each time', setting: 'REACH_RATE', times: 40, seconds: DAY }),
  friendRequest: rate({ of: 'friend requests', setting: 'REACH_RATE', times: 2, seconds: DAY }),
  mention: rate({
    of: 'mentions in posts, comments and reposts',
    setting: 'REACH_RATE',
    times: 8,
    seconds: DAY,
  }),
  post: rate({ of: 'posts and reposts', setting: 'REACH_RATE', times: 4, seconds: DAY }),
  comment: rate({ of: 'comments', setting: 'REACH_RATE', times: 16, seconds: DAY }),
  service: rate({ of: 'new services', setting: 'REACH_RATE', times: 4, seconds: DAY }),
  waitingRequests: budget({
    of: 'friend requests that wait for an answer',
    most: 200,
    beyond: '`CONFLICT`',
  }),
  services: budget({ of: 'services on offer', most: 100, beyond: '`CONFLICT`' }),
  relationships: budget({
    of: 'follows, friends, blocks',
    most: MAX_FOLLOWS,
    shown: (most) => `${counts(most)} of each`,
    beyond: '`CONFLICT`',
  }),
  reports: budget({ of: 'reports that are open', most: MAX_OPEN_REPORTS, beyond: '`CONFLICT`' }),
  bookings: budget({
    of: 'booking requests: open, of one master, in 24 hours',
    most: { ...BOOKING_LIMITS, ofMaster: 5 },
    shown: ({ open, ofMaster, daily, newcomer }) =>
      `${open}, ${ofMaster}, ${daily}; of new accounts ${newcomer.open}, ${ofMaster}, ${newcomer.daily}`,
    beyond: '`CONFLICT`, `RATE_LIMIT`',
  }),
  posts: budget({ of: 'posts and reposts, in all', most: 10_000, beyond: '`CONFLICT`' }),
  groups: budget({
    of: 'groups that a user is in',
    most: 1000,
    beyond: '`CONFLICT`, also to who would add them',
  }),
  sessions: budget({ of: 'sessions', most: 50, beyond: 'the session used least recently ends' }),
  assistantChats: budget({ of: 'chats with the assistant', most: 100, beyond: '`CONFLICT`' }),
};
