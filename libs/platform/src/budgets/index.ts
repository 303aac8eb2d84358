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
      before: 'A stranger is an attempt from an address that the account has had no session from.',
      budgets: SIGN_IN,
    },
    {
      title: 'Reads',
      before:
        '"Of late": the use of a reader is forgotten by half in 5 s. Nobody keeps a turn for more than 0.5 s.',
      budgets: READS,
    },
    { title: 'Sockets', budgets: SOCKETS },
    {
      title: 'What a user may own, and whom it reaches',
      before:
        'In an account’s first day half of each rate. A try that is refused for another reason counts, too.',
      budgets: REACH,
      after: `Only friends add somebody to a group that they have left. By \`messages_from\` and \`groups_from\` of \`PATCH users/me\` a user says who may
begin a direct chat with them, and who may add them to groups: \`everyone\` (the default), \`friends\` or \`nobody\`. Anybody else is
answered \`FORBIDDEN\` with the reason \`not_accepted\`.`,
    },
    { title: 'Work', budgets: WORK },
    { title: 'The assistant', budgets: ASSISTANT },
  ];

type RateIn<Section> = { [K in keyof Section]: Section[K] extends Rate ? K : never }[keyof Section];
export type Limit =
  | RateIn<typeof SIGN_IN>
  | RateIn<typeof READS>
  | RateIn<typeof SOCKETS>
  | RateIn<typeof REACH>
  | RateIn<typeof WORK>
  | RateIn<typeof ASSISTANT>;

/** Their names are their labels in `budget_refusals_total`. */
export const RATES = Object.fromEntries(
  SECTIONS.flatMap(({ budgets }) => Object.entries(budgets).filter(([, one]) => isRate(one))),
) as Record<Limit, Rate>;
