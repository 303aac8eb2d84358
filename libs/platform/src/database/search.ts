import { Prisma } from '../prisma/generated/client.js';
import type { SearchSql } from '../limits/searches.js';

/** Further words of a query are ignored. */
const MAX_WORDS = 10;
const LETTER = /[\p{L}\p{N}]/u;
/** A word with these has a trigram at any position. */
const THREE_LETTERS = /[\p{L}\p{N}]{3}/u;
/** PostgreSQL's `[^[:alnum:]]` in the collation `pg_unicode_fast`. */
const SIGNS = /[^\p{Alphabetic}\p{Nd}]+/gu;

export const hasLetter = (word: string): boolean => LETTER.test(word);

/** The distinct words of a query, folded like the stored texts: only PostgreSQL folds (ADR 20). */
export async function searchWords(query: SearchSql, typed?: string | null): Promise<string[]> {
  if (!typed) return [];
  const [row] = await query<{ folded: string }>`SELECT folded(${typed}) AS folded`;
  return [...new Set(row!.folded.split(' '))].filter(Boolean).slice(0, MAX_WORDS);
}

/**
 * SQL condition: the folded text contains the word. Uses no index: for texts that match partially in many places,
 * `LIKE` compares character by character.
 */
export const includes = (folded: Prisma.Sql, word: string): Prisma.Sql =>
  Prisma.sql`strpos(${folded}, ${word}) > 0`;

/** The same for a trigram index. */
export const contains = (folded: Prisma.Sql, word: string): Prisma.Sql =>
  Prisma.sql`${folded} LIKE ${`%${literal(word)}%`}`;

/**
 * SQL condition for a trigram index on `searched` (the SQL function), for a word with a letter: the text contains the
 * word. A word without three letters or digits in a row must be at the beginning of a word.
 */
export function hasWord(searched: Prisma.Sql, word: string): Prisma.Sql {
  if (!hasLetter(word) || THREE_LETTERS.test(word)) return contains(searched, word);
  const bare = word.replace(SIGNS, ' ').trim();
  const begins = contains(searched, ` ${bare}`);
  return bare === word ? begins : Prisma.sql`(${begins} AND ${contains(searched, word)})`;
}

/**
 * SQL condition: `hasOne` is true for every word. Words without a letter (such as "🌸 %") have no trigram. If there are
 * no other words, `key`, the beginning of the folded text in a `text_pattern_ops` index, must start with one of them.
 */
export function hasWords(
  key: Prisma.Sql,
  words: string[],
  hasOne: (word: string, index: number) => Prisma.Sql,
): Prisma.Sql {
  if (words.length === 0) return Prisma.sql`true`;
  const all = Prisma.join(words.map(hasOne), ' AND ');
  if (words.some(hasLetter)) return Prisma.sql`(${all})`;
  const begins = words.map((word) => Prisma.sql`${key} LIKE ${`${literal(firstOf(word))}%`}`);
  return Prisma.sql`(${all} AND (${Prisma.join(begins, ' OR ')}))`;
}

/** As many characters as the keys of the index have. */
const firstOf = (word: string): string => [...word].slice(0, 50).join('');

/** Escapes a text for a LIKE pattern. */
const literal = (text: string): string => text.replace(/[\\%_]/g, '\\$&');
