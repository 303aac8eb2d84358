/** What the hostile model can be asked for. */
export const TRICKS = [
  'huge-index',
  'many-calls',
  'long-arguments',
  'endless-text',
  'no-line-end',
  'not-json',
];
