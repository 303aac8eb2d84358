import { Prisma } from '#platform';

const LOCAL = Prisma.sql`(now() AT TIME ZONE p.timezone)`;
const MINUTE = Prisma.sql`(EXTRACT(HOUR FROM ${LOCAL})::int * 60 + EXTRACT(MINUTE FROM ${LOCAL})::int)`;

/**
 * SQL expression: the end of the current quiet hours of a user, in their time zone; null outside of quiet hours. `p` is
 * the row of their preferences. Hours from 22:00 to 08:00 span midnight: before midnight, they end tomorrow.
 */
export const QUIET_UNTIL = Prisma.sql`
  CASE
    WHEN p.quiet_from IS NULL THEN NULL
    WHEN p.quiet_from < p.quiet_to AND ${MINUTE} >= p.quiet_from AND ${MINUTE} < p.quiet_to
      OR p.quiet_from > p.quiet_to AND (${MINUTE} >= p.quiet_from OR ${MINUTE} < p.quiet_to)
    THEN (date_trunc('day', ${LOCAL}) + make_interval(
      days => CASE WHEN ${MINUTE} >= p.quiet_to THEN 1 ELSE 0 END, mins => p.quiet_to)) AT TIME ZONE p.timezone
  END`;
