import { MINUTE, HOUR, SECOND, budget, rate } from './budget.js';

export const SIGN_IN = {
  /** Key: network and account. */
  signIn: rate({ of: 'sign-ins to an account from an address', setting: 'SIGN_IN_RATE', seconds: MINUTE }),
  /** Over all networks. Key: account. */
  signInAccount: rate({
    of: 'failed sign-ins of strangers to an account',
    setting: 'SIGN_IN_RATE',
    times: 2,
    seconds: MINUTE,
    beyond: '`RATE_LIMIT`, strangers only',
  }),
  /** Key: network. */
  signInNetwork: rate({
    of: 'failed sign-ins of strangers from an address',
    setting: 'SIGN_IN_RATE',
    times: 6,
    beyond: '`RATE_LIMIT`, strangers only',
    seconds: MINUTE,
  }),
  /** Key: network. */
  registration: rate({
    of: 'registrations from an address, also refused ones',
    setting: 'REGISTRATION_RATE',
    seconds: HOUR,
  }),
  hashing: budget({
    of: 'passwords hashed at once',
    most: 3,
    shown: (most) => `processors − 1, ${most} at most`,
    beyond: 'the rest waits',
  }),
  hashingStrangers: budget({
    of: 'waiting passwords of strangers: all, from one address',
    most: { all: 64, ofOne: 16 },
    beyond: '`UNAVAILABLE`',
    refused: 'hashing, stranger',
  }),
  hashingKnown: budget({
    of: 'waiting passwords of known sign-ins: all, from one address',
    most: { all: 128, ofOne: 32 },
    beyond: '`UNAVAILABLE`',
    refused: 'hashing, known',
  }),
  lookUps: budget({
    of: 'sign-ins waiting for the lookup of their account',
    most: 5000,
    beyond: '`UNAVAILABLE`',
    refused: 'signInLookUps',
  }),
  /** Before the lookup of the session. Key: session id. */
  refresh: rate({ of: 'refreshes of a session', setting: 'REST_WRITE_RATE', seconds: MINUTE }),
  /** Also those of sessions that have ended. Key: network. */
  badRefresh: rate({
    of: 'invalid refresh tokens from an address',
    setting: 'REST_WRITE_RATE',
    seconds: SECOND,
  }),
};
