import { BOOKING_LIMITS, MAX_FOLLOWS, MAX_OPEN_REPORTS } from '#contracts';
import { DAY, MINUTE, budget, counts, rate } from './budget.js';

/** The key of each rate is the user's id. */
export const REACH = {
  directChat: rate({ of: 'new direct chats', setting: 'REACH_RATE', seconds: DAY }),
  group: rate({ of: 'new groups', setting: 'REACH_RATE', seconds: MINUTE }),
  groupAdd: rate({ of: 'additions of people to groups', setting: 'REACH_RATE', times: 40, seconds: DAY }),
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
    of: 'open friend requests',
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
  reports: budget({ of: 'open reports', most: MAX_OPEN_REPORTS, beyond: '`CONFLICT`' }),
  bookings: budget({
    of: 'booking requests: open, with one master, in 24 hours',
    most: { ...BOOKING_LIMITS, ofMaster: 5 },
    shown: ({ open, ofMaster, daily, newcomer }) =>
      `${open}, ${ofMaster}, ${daily}; of new accounts ${newcomer.open}, ${ofMaster}, ${newcomer.daily}`,
    beyond: '`CONFLICT`, `RATE_LIMIT`',
  }),
  posts: budget({ of: 'posts and reposts in total', most: 10_000, beyond: '`CONFLICT`' }),
  groups: budget({
    of: 'other groups of a user',
    most: 1000,
    beyond: '`CONFLICT`, also for friends who would add them',
  }),
  strangersGroups: budget({
    of: 'groups without a message of the user, to which no friend added them: by one user, in all',
    most: { ofOne: 25, ofAll: 100 },
    beyond: '`CONFLICT` for users who would add them',
  }),
  sessions: budget({ of: 'sessions', most: 50, beyond: 'the session with the oldest refresh ends' }),
  assistantChats: budget({ of: 'chats with the assistant', most: 100, beyond: '`CONFLICT`' }),
};
