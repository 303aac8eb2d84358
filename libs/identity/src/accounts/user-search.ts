import { canonicalEmail } from '#contracts';
import {
  contains,
  decodeCursor,
  encodeCursor,
  hasLetter,
  hasWord,
  hasWords,
  pageOf,
  Prisma,
  searchWords,
  type SearchSql,
} from '#platform';
import { NIL } from 'uuid';

// The expressions must equal those of the indexes.
const NAMES = Prisma.raw(`searched(folded(name || ' ' || handle))`);
const EMAIL = Prisma.raw(`searched(folded(email))`);
const KEY = Prisma.raw(`left(folded(name), 50)`);

const HANDLE = /^[a-z0-9_]{3,30}$/;

interface Search {
  query: string | null | undefined;
  /** Also search e-mail addresses. */
  byEmail?: boolean;
  limit: number;
  cursor: string | null | undefined;
  /** The selected columns. */
  columns: Prisma.Sql;
  /** Which users are listed. */
  where: Prisma.Sql;
}

/**
 * One page of users by name whose name or handle contains every word of the query, in any order. The user whose handle
 * equals the query comes first. A leading `@` of a word is ignored.
 * @throws AppError INVALID_DATA (names `cursor`)
 */
export async function searchUsers<T extends { id: string }>(
  search: SearchSql,
  { query, byEmail = false, limit, cursor, columns, where }: Search,
): Promise<{ items: T[]; next_cursor: string | null }> {
  const after = isAfter(cursor);
  const typed = (await searchWords(search, byEmail ? readable(query) : query)).filter(bare);
  const words = typed.map(bare);
  const found = hasWords(KEY, words, (word, index) =>
    byEmail && hasLetter(word)
      ? Prisma.sql`(${hasWord(NAMES, word)} OR ${hasAddress(typed[index]!)})`
      : hasWord(NAMES, word),
  );
  const select = (condition: Prisma.Sql) => search<T & { key: string }>`
    SELECT ${columns}, ${KEY} AS key FROM users WHERE ${where} AND ${condition}
    ORDER BY ${KEY} USING ~<~, id LIMIT ${limit + 1}`;
  const handle = words.length === 1 && HANDLE.test(words[0]!) ? words[0] : undefined;
  const [exact, remaining] = await Promise.all([
    handle && !cursor ? select(Prisma.sql`handle = ${handle}`) : [],
    select(
      Prisma.sql`${found} AND ${after} AND ${handle ? Prisma.sql`handle <> ${handle}` : Prisma.sql`true`}`,
    ),
  ]);
  return pageOf([...exact, ...remaining], limit, (last) =>
    encodeCursor(last === exact[0] ? ['', NIL] : [last.key, last.id]),
  );
}

const bare = (word: string): string => word.replace(/^@+/, '');

/** The query, with the domains of its addresses in their stored form. */
const readable = (query?: string | null) =>
  query?.replace(/\S*xn--\S+/gi, (word) => {
    const email = canonicalEmail(word.includes('@') ? word : `@${word}`);
    return email.endsWith('@') ? word : email.slice(word.includes('@') ? 0 : 1);
  });

/** SQL condition: `@example.com` matches a part of an e-mail address, of any length. */
const hasAddress = (word: string): Prisma.Sql =>
  word.startsWith('@') ? contains(EMAIL, word) : hasWord(EMAIL, word);

/** SQL condition: where the page by name starts. */
function isAfter(cursor?: string | null): Prisma.Sql {
  const [key, id] = decodeCursor(cursor, 'string', 'id');
  return key === undefined
    ? Prisma.sql`true`
    : Prisma.sql`(${KEY} ~>=~ ${key} AND (${KEY} ~>~ ${key} OR id > ${id}::uuid))`;
}
