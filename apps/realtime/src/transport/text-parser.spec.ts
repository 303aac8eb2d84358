import { textParser } from './text-parser.js';

afterEach(() => jest.restoreAllMocks());

const decoder = () => new textParser.Decoder();

it('counts packets per second, also while the clock stands still or goes back', () => {
  let now = 0;
  jest.spyOn(Date, 'now').mockReturnValue(0);
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  const calm = decoder();
  for (let i = 0; i < 30_000; i++) {
    now += 0.2;
    calm.add('2["x"]');
  }
  const flooding = decoder();
  expect(() => {
    for (let i = 0; i < 10_001; i++) flooding.add('2["x"]');
  }).toThrow('too many packets');
});

it('accepts 20 CONNECTs per connection', () => {
  const one = decoder();
  for (let i = 0; i < 20; i++) one.add(`0/messenger,{"token":"${i}"}`);
  one.add('2["x"]');
  expect(() => one.add('0')).toThrow('too many connects');
});
