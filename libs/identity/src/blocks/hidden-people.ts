import { Prisma } from '#platform';

/** How a hidden person is named to a reader: never by a name or handle that they took later. */
interface HiddenPerson {
  name: string;
  handle: string;
}

/** The people hidden from a reader, by id. */
export type Hidden = Record<string, HiddenPerson>;

/** Used where names are not looked up: in events that go to a whole chat in one frame. */
export const NAMELESS: HiddenPerson = { name: '…', handle: '…' };

/**
 * SQL expression: the `Hidden` people among the users in the array `ids`, for `reader`; null when none is hidden. A
 * block hides two users from each other and shows their names as of the block. A ban hides a user from everybody, and
 * the name can no longer change. No blocks apply to a `reader` that is NULL.
 */
export const hiddenFrom = (reader: Prisma.Sql, ids: Prisma.Sql): Prisma.Sql => Prisma.sql`(
  SELECT jsonb_object_agg(p.id, jsonb_build_object('name', COALESCE(b.name, p.name), 'handle', COALESCE(b.handle, p.handle)))
  FROM users p LEFT JOIN LATERAL (
    (SELECT blocked_name AS name, blocked_handle AS handle FROM blocks WHERE blocker_id = ${reader} AND blocked_id = p.id LIMIT 1)
    UNION ALL
    (SELECT blocker_name, blocker_handle FROM blocks WHERE blocker_id = p.id AND blocked_id = ${reader} LIMIT 1)
    LIMIT 1
  ) b ON true
  WHERE p.id = ANY(${ids}) AND (b.name IS NOT NULL OR p.banned_at IS NOT NULL))`;

/** A person as shown to a reader. A hidden person has no picture, since loading it would contact a server of theirs. */
export function asSeen<P extends { id: string; name: string; avatar: string | null }>(
  person: P,
  hidden: Hidden | null,
): P {
  const { name, handle } = hidden?.[person.id] ?? {};
  if (name === undefined) return person;
  return {
    ...person,
    name,
    avatar: null,
    ...('handle' in person && { handle }),
    ...('is_master' in person && { is_master: false }),
  };
}
