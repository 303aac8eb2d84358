/** The hostile model knows these tricks. */
export const TRICKS = [
  'huge-index',
  'many-calls',
  'long-arguments',
  'endless-text',
  'no-line-end',
  'not-json',
];
