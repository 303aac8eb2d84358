import { handlesIn } from './mentions.js';

it.each<[string, string[]]>([
  ['Привет, @anna!', ['anna']],
  ['@anna', ['anna']],
  ['(@anna_2, @BORIS; @vera.)', ['anna_2', 'boris', 'vera']],
  ['@anna и @Anna и снова @ANNA', ['anna']],
  ['anna@example.com, а@anna', []],
  ['@@anna @anna@boris', []],
  ['@ab @', []],
  [`@${'a'.repeat(30)} @${'b'.repeat(31)}`, ['a'.repeat(30)]],
  ['@аня @annaя', []],
  ['без имён', []],
])('%j mentions %j', (text, handles) => {
  expect(handlesIn(text)).toEqual(handles);
});

it('twenty at most', () => {
  const text = Array.from({ length: 25 }, (_, i) => `@user_${i}`).join(' ');
  expect(handlesIn(`${text} @user_0`)).toEqual(Array.from({ length: 20 }, (_, i) => `user_${i}`));
});

it('in no time, whatever the text', () => {
  for (const text of ['@'.repeat(4000), '@a'.repeat(2000), `@${'a'.repeat(3999)}`]) handlesIn(text);
});
