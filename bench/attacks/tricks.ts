/** The tricks of the hostile model. */
export const TRICKS = [
  'huge-index',
  'many-calls',
  'long-arguments',
  'endless-text',
  'no-line-end',
  'not-json',
];
