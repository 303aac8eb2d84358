import { Prisma, type PrismaService } from '#platform';

/** Limit of rows that are read for a count. */
const EXACT_UP_TO = 10_000;

/**
 * Counts the given parts, each the text after FROM, by name. Small counts are exact. A larger count is the estimate of
 * PostgreSQL's planner, from the current size of the table and its statistics.
 */
export async function counts<K extends string>(
  prisma: Pick<PrismaService, '$queryRaw'>,
  parts: Record<K, Prisma.Sql>,
): Promise<{ counted: Record<K, number>; estimated: K[] }> {
  const names = Object.keys(parts) as K[];
  const few = names.map(
    (name) =>
      Prisma.sql`(SELECT count(*)::int FROM (SELECT FROM ${parts[name]} LIMIT ${EXACT_UP_TO + 1}) AS few)`,
  );
  const [row] = await prisma.$queryRaw<{ found: number[] }[]>`SELECT ARRAY[${Prisma.join(few)}] AS found`;
  const counted = Object.fromEntries(names.map((name, i) => [name, row!.found[i]!])) as Record<K, number>;
  const estimated = names.filter((name) => counted[name] > EXACT_UP_TO);
  for (const name of estimated) counted[name] = Math.max(counted[name], await expected(prisma, parts[name]));
  return { counted, estimated };
}

async function expected(prisma: Pick<PrismaService, '$queryRaw'>, part: Prisma.Sql): Promise<number> {
  type Explained = { 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] };
  const [row] = await prisma.$queryRaw<Explained[]>`EXPLAIN (FORMAT JSON) SELECT FROM ${part}`;
  return row!['QUERY PLAN'][0].Plan['Plan Rows'];
}
