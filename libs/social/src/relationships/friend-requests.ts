import type { FriendRequestDto } from '#contracts';
import { AppError } from '#contracts';
import { causes, revise, type Revised } from '#notifications';
import { Prisma } from '#platform';
import { person } from '../visibility.js';

export type FriendRequestRow = Omit<FriendRequestDto, 'created_at'> & { created_at: Date };

/** To be followed by conditions about `r`, and about `asker` and `asked` of `users`. */
export const FRIEND_REQUESTS = Prisma.sql`
  SELECT r.id, ${person('asker')} AS "from", ${person('asked')} AS "to", r.status, r.created_at
  FROM friend_requests r JOIN users asker ON asker.id = r.from_id JOIN users asked ON asked.id = r.to_id`;

export const toFriendRequest = (row: FriendRequestRow): FriendRequestDto => ({
  ...row,
  created_at: row.created_at.toISOString(),
});

export const noSuchRequest = () => new AppError('NOT_FOUND', 'No such friend request');

/** By the request that came before it, if that counts: a request that repeats another has its notification. */
export const askingKey = (fromId: string, toId: string, earlierId?: string): string =>
  `friend_request:${fromId}:${toId}:${earlierId ?? 'first'}`;

/** Brings what the two are told of their requests and their friendship in line, after that has changed. */
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

/** After a withdrawal, or a block by the asker, a new request is told anew only after this time. */
export const SILENT_MS = 24 * 3600_000;

/** Takes back what waits for an answer, under the pair's lock. One row in 24 hours is kept. */
export async function withdraw(tx: Prisma.TransactionClient, fromId: string, toId: string): Promise<void> {
  const pending = { fromId, toId, status: 'pending' } as const;
  const now = new Date();
  const recent = await tx.friendRequest.findFirst({
    where: { fromId, toId, status: 'withdrawn', answeredAt: { gt: new Date(now.getTime() - SILENT_MS) } },
  });
  if (recent) await tx.friendRequest.deleteMany({ where: pending });
  else await tx.friendRequest.updateMany({ where: pending, data: { status: 'withdrawn', answeredAt: now } });
}
