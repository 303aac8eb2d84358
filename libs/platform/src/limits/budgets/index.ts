import { ASSISTANT } from './assistant.js';
import { BEFORE_SIGN_IN } from './before-sign-in.js';
import { REACH } from './reach.js';
import { READS } from './reads.js';
import { SIGN_IN } from './sign-in.js';
import { SOCKETS } from './sockets.js';
import { WORK } from './work.js';
import { isRate, type Budget, type Rate } from './budget.js';

export { ASSISTANT, BEFORE_SIGN_IN, REACH, READS, SIGN_IN, SOCKETS, WORK };
export type { Budget };

/** The sections of docs/limits.md. */
export const SECTIONS: { title: string; before?: string; budgets: Record<string, Budget>; after?: string }[] =
  [
    { title: 'Before sign-in', budgets: BEFORE_SIGN_IN },
    {
      title: 'Sign-in and hashing',
      before: 'An attempt to sign in is a stranger’s if the account has had no session from its address.',
      budgets: SIGN_IN,
    },
    {
      title: 'Reads',
      before: 'Recent use halves every 5 s. A read or a search gives up its place after 0.5 s.',
      budgets: READS,
    },
    { title: 'Sockets', budgets: SOCKETS },
    {
      title: 'Ownership and reach',
      before:
        'On an account’s first day each rate is half as high. An attempt that is refused for another reason counts, too.',
      budgets: REACH,
      after: `Only friends may add a user again to a group that the user left. \`messages_from\` and \`groups_from\` of \`PATCH users/me\` limit new direct
chats with the user, and additions of the user to groups: \`everyone\` (the default), \`friends\` or \`nobody\`. Other users get
\`FORBIDDEN\` with the reason \`not_accepted\`.`,
    },
    { title: 'Work', budgets: WORK },
    { title: 'The assistant', budgets: ASSISTANT },
  ];

type RateIn<Section> = { [K in keyof Section]: Section[K] extends Rate ? K : never }[keyof Section];
export type Limit =
  | RateIn<typeof BEFORE_SIGN_IN>
  | RateIn<typeof SIGN_IN>
  | RateIn<typeof READS>
  | RateIn<typeof SOCKETS>
  | RateIn<typeof REACH>
  | RateIn<typeof WORK>
  | RateIn<typeof ASSISTANT>;

/** The name of each rate is its label in `budget_refusals_total`. */
export const RATES = Object.fromEntries(
  SECTIONS.flatMap(({ budgets }) => Object.entries(budgets).filter(([, one]) => isRate(one))),
) as Record<Limit, Rate>;
