import { Prisma } from '#platform';

/** How a person is named to a reader from whom a block or a ban hides them: never with what they have become since. */
export interface HiddenPerson {
  name: string;
  handle: string;
}

/** Those of some people who are hidden from a reader, by their ids. */
export type Hidden = Record<string, HiddenPerson>;

/** Where names are not looked up: in events that a whole chat is told in one frame. */
export const NAMELESS: HiddenPerson = { name: '…', handle: '…' };

/**
 * An SQL expression: `Hidden` of the users in the array `ids` as `reader` sees them; null when none is hidden. A block hides the
 * two from each other, with their names as they were when it came. A ban hides from everybody, and ends all change of names. For
 * a reader that is NULL there are no blocks.
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

/** A person as a reader sees them. Hidden, they show no picture: it would ask their own server. */
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
