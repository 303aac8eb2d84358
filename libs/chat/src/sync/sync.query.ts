import { AppError, type SyncAnswer, type SyncChat } from '#contracts';
import { SyncNotifications } from '#notifications';
import { Prisma, PrismaService, decodeCursor, encodeCursor } from '#platform';
import { Query, QueryBus, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { isUUID } from 'class-validator';
import { ReadCursors } from '../receipts/read-cursors.js';
import { IS_LISTED } from '../membership/membership.js';
import { UNREAD_COUNT } from '../receipts/unread.js';

const PAGE = 500;

/** The contents of a cursor; snapshots are the text form of PostgreSQL's `pg_snapshot`. */
interface Position {
  database: string;
  /** The client knows everything visible in this snapshot; empty = nothing. */
  known: string;
  /** The end of the current round of pages, and the last chat it showed; empty = between rounds. */
  upto: string;
  after: string;
}

/**
 * Returns the chats and notifications that changed, in one request after a reconnect (`GET sync`). A change is anything
 * that the cursor's snapshot did not see. That is exact even for transactions that began before the snapshot and ended
 * after it, which clocks and serial numbers would miss. A chat that the user has left since is shown once, as left.
 */
export class Sync extends Query<SyncAnswer> {
  constructor(
    readonly userId: string,
    readonly cursor?: string,
  ) {
    super();
  }
}

@QueryHandler(Sync)
export class SyncHandler implements IQueryHandler<Sync> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly cursors: ReadCursors,
    private readonly queries: QueryBus,
  ) {}

  async execute({ userId, cursor }: Sync): Promise<SyncAnswer> {
    const asked = cursor ? read(cursor) : undefined;
    const [now] = await this.prisma.$queryRaw<{ database: string }[]>`
      SELECT (SELECT oid::text FROM pg_database WHERE datname = current_database()) || '/' ||
          (SELECT system_identifier::text FROM pg_control_system()) AS database`;
    const { database } = now!;
    const reset = asked !== undefined && asked.database !== database;
    const known = asked && !reset ? asked.known : '';
    const after = asked && !reset ? asked.after : '';
    await this.deliver(userId, known, after);
    const { chats, snapshot } = await this.changed(userId, known, after);
    // After the snapshot was taken: a commit in between is returned twice at worst.
    const notifications = await this.queries.execute(new SyncNotifications(userId, known));
    const upto = (!reset && asked?.upto) || snapshot;
    const more = chats.length === PAGE;
    const next = more ? { known, upto, after: chats.at(-1)!.id } : { known: upto, upto: '', after: '' };
    return {
      cursor: encodeCursor([database, next.known, next.upto, next.after]),
      chats,
      notifications,
      ...(reset && { reset }),
    };
  }

  /** A device that syncs has received everything. Recorded first, so that the answer includes it. */
  private async deliver(userId: string, known: string, after: string): Promise<void> {
    const behind = await this.prisma.$queryRaw<{ chat_id: string; last_seq: number }[]>`
      SELECT c.id AS chat_id, c.last_seq ${this.from(userId, known, after)} AND p.left_at IS NULL AND p.last_delivered_seq < c.last_seq
      ORDER BY c.id LIMIT ${PAGE}`;
    await Promise.all(
      behind.map(({ chat_id: chatId, last_seq: seq }) =>
        this.cursors.advance({ chatId, userId, kind: 'delivered', seq }).catch(unlessLeft),
      ),
    );
  }

  private async changed(userId: string, known: string, after: string) {
    const rows = await this.prisma.$queryRaw<(Partial<SyncChat> & { snapshot: string })[]>`
      SELECT s.snapshot, l.* FROM (SELECT pg_current_snapshot()::text AS snapshot) s LEFT JOIN LATERAL (
        SELECT c.id, p.left_at IS NOT NULL AS left,
          CASE WHEN p.left_at IS NULL THEN c.last_seq ELSE p.left_seq END AS last_seq,
          CASE WHEN p.left_at IS NULL THEN c.change_seq ELSE 0 END AS change_seq,
          CASE WHEN p.left_at IS NULL THEN ${UNREAD_COUNT} ELSE 0 END AS unread_count
        ${this.from(userId, known, after)} ORDER BY c.id LIMIT ${PAGE}
      ) l ON true`;
    const chats = rows.filter((row): row is SyncChat & { snapshot: string } => row.id != null);
    return {
      snapshot: rows[0]!.snapshot,
      chats: chats.map(({ snapshot: _, left, ...chat }): SyncChat => (left ? { ...chat, left } : chat)),
    };
  }

  private from(userId: string, known: string, after: string): Prisma.Sql {
    const unseen = (xid: string) =>
      Prisma.sql`NOT pg_visible_in_snapshot(${Prisma.raw(xid)}, ${known}::text::pg_snapshot)`;
    const of = Prisma.sql`SELECT * FROM chat_members WHERE user_id = ${userId}::uuid AND`;
    // A former member gets no later changes of a chat. An unseen change is not older than the snapshot's oldest
    // transaction, so an index finds recent leavings among all former memberships.
    const members = known
      ? Prisma.sql`(${of} left_at IS NULL UNION ALL ${of} left_at IS NOT NULL
          AND changed_xid >= pg_snapshot_xmin(${known}::text::pg_snapshot))`
      : Prisma.sql`(${of} left_at IS NULL)`;
    const changed = known
      ? Prisma.sql`AND (${unseen('p.changed_xid')} OR p.left_at IS NULL AND ${unseen('c.changed_xid')})`
      : Prisma.empty;
    const rest = after ? Prisma.sql`AND c.id > ${after}::uuid` : Prisma.empty;
    return Prisma.sql`FROM ${members} p JOIN chats c ON c.id = p.chat_id
      WHERE ${IS_LISTED} ${changed} ${rest}`;
  }
}

/** A chat that was just left has nothing to deliver; others do. */
function unlessLeft(error: unknown): void {
  if (!(error instanceof AppError && error.code === 'FORBIDDEN')) throw error;
}

function read(cursor: string): Position {
  const keys = decodeCursor(cursor, 'string', 'string', 'string', 'string');
  const [database, known, upto, after] = keys as Required<typeof keys>;
  if (!isSnapshot(known) || !isSnapshot(upto) || (after !== '' && !isUUID(after, 'all')))
    throw AppError.invalid('cursor', 'is invalid');
  return { database, known, upto, after };
}

/** Whether PostgreSQL accepts it: `xmin:xmax:` and the running transactions between them, ascending. */
function isSnapshot(text: string): boolean {
  if (text === '') return true;
  const match = /^(\d{1,18}):(\d{1,18}):((?:\d{1,18}(?:,|$))*)$/.exec(text);
  if (!match) return false;
  const [xmin, xmax] = [BigInt(match[1]!), BigInt(match[2]!)];
  const running = match[3] ? match[3].split(',').map(BigInt) : [];
  const ascending = running.every((xid, i) => xid >= (running[i - 1] ?? xmin) && xid < xmax);
  return xmin > 0n && xmin <= xmax && ascending;
}
