import type { FriendRequestDto } from '#contracts';
import { AppError } from '#contracts';
import { causes, revise, type Revised } from '#notifications';
import { Prisma } from '#platform';
import { person } from '../visibility.js';

export type FriendRequestRow = Omit<FriendRequestDto, 'created_at'> & { created_at: Date };

/** Append conditions on `r`, and on `asker` and `asked` of `users`. */
export const FRIEND_REQUESTS = Prisma.sql`
  SELECT r.id, ${person('asker')} AS "from", ${person('asked')} AS "to", r.status, r.created_at
  FROM friend_requests r JOIN users asker ON asker.id = r.from_id JOIN users asked ON asked.id = r.to_id`;

export const toFriendRequest = (row: FriendRequestRow): FriendRequestDto => ({
  ...row,
  created_at: row.created_at.toISOString(),
});

export const noSuchRequest = () => new AppError('NOT_FOUND', 'No such friend request');

/** The key of a request's notification. A request that repeats an earlier one has the same key. */
export const askingKey = (fromId: string, toId: string, earlierId?: string): string =>
  `friend_request:${fromId}:${toId}:${earlierId ?? 'first'}`;

/** Makes the notifications about requests and friendship of the two consistent with a change. */
export async function reviseFriendship(
  tx: Prisma.TransactionClient,
  a: string,
  b: string,
): Promise<Revised[]> {
  const pairs = [
    { fromId: a, toId: b },
    { fromId: b, toId: a },
  ];
  const requests = await tx.friendRequest.findMany({ where: { OR: pairs } });
  const keys = [
    ...pairs.map(({ fromId, toId }) => askingKey(fromId, toId)),
    ...requests.flatMap(({ id, fromId, toId }) => [askingKey(fromId, toId, id), `friend_accepted:${id}`]),
  ];
  return revise(tx, causes.named(keys));
}

/** After a withdrawal, or a block by the sender, a new request is notified again only after this time. */
export const SILENT_MS = 24 * 3600_000;

/** Withdraws an open request, under the pair's lock. One row per 24 hours is kept. */
export async function withdraw(tx: Prisma.TransactionClient, fromId: string, toId: string): Promise<void> {
  const pending = { fromId, toId, status: 'pending' } as const;
  const now = new Date();
  const recent = await tx.friendRequest.findFirst({
    where: { fromId, toId, status: 'withdrawn', answeredAt: { gt: new Date(now.getTime() - SILENT_MS) } },
  });
  if (recent) await tx.friendRequest.deleteMany({ where: pending });
  else await tx.friendRequest.updateMany({ where: pending, data: { status: 'withdrawn', answeredAt: now } });
}
