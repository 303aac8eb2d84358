import { textParser } from './text-parser.js';

const decoder = () => new textParser.Decoder();

it('accepts 20 CONNECTs per connection', () => {
  const one = decoder();
  for (let i = 0; i < 20; i++) one.add(`0/messenger,{"token":"${i}"}`);
  one.add('2["x"]');
  expect(() => one.add('0')).toThrow('too many connects');
});
