import { Prisma } from '../prisma/generated/client.js';
import type { SearchSql } from '../limits/searches.js';

/** Words after these narrow a search no further. */
const MAX_WORDS = 10;
const LETTER = /[\p{L}\p{N}]/u;
/** What a word needs to have a trigram wherever it stands. */
const THREE_LETTERS = /[\p{L}\p{N}]{3}/u;
/** PostgreSQL's `[^[:alnum:]]` in the collation `pg_unicode_fast`. */
const SIGNS = /[^\p{Alphabetic}\p{Nd}]+/gu;

export const hasLetter = (word: string): boolean => LETTER.test(word);

/** The different words of a query, folded as the stored texts are: PostgreSQL alone folds (ADR 20). */
export async function searchWords(query: SearchSql, typed?: string | null): Promise<string[]> {
  if (!typed) return [];
  const [row] = await query<{ folded: string }>`SELECT folded(${typed}) AS folded`;
  return [...new Set(row!.folded.split(' '))].filter(Boolean).slice(0, MAX_WORDS);
}

/**
 * Condition for SQL: the folded text has the word anywhere. Without an index: of a text that nearly matches, again and
 * again, `LIKE` compares character by character.
 */
export const includes = (folded: Prisma.Sql, word: string): Prisma.Sql =>
  Prisma.sql`strpos(${folded}, ${word}) > 0`;

/** The same for a trigram index. */
export const contains = (folded: Prisma.Sql, word: string): Prisma.Sql =>
  Prisma.sql`${folded} LIKE ${`%${literal(word)}%`}`;

/**
 * Condition for SQL that a trigram index on `searched` (the SQL function) answers for a word with a letter: the text has
 * the word; a word without three letters or digits in a row at the beginning of a word.
 */
export function hasWord(searched: Prisma.Sql, word: string): Prisma.Sql {
  if (!hasLetter(word) || THREE_LETTERS.test(word)) return contains(searched, word);
  const bare = word.replace(SIGNS, ' ').trim();
  const begins = contains(searched, ` ${bare}`);
  return bare === word ? begins : Prisma.sql`(${begins} AND ${contains(searched, word)})`;
}

/**
 * Condition for SQL: `hasOne` holds for every word. Words without a letter (such as "🌸 %") have no trigram: when there
 * are no others, `key`, the beginning of the folded text in a `text_pattern_ops` index, begins with one of them.
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

/** As much of it as keys have. */
const firstOf = (word: string): string => [...word].slice(0, 50).join('');

/** A text as a part of a LIKE pattern. */
const literal = (text: string): string => text.replace(/[\\%_]/g, '\\$&');
