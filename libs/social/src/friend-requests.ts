import type { FriendRequestDto } from '#contracts';
import { AppError } from '#contracts';
import { causes, revise, type Revised } from '#notifications';
import { Prisma } from '#platform';
import { person } from './people.js';

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

/** What the two are told of their requests and their friendship, after that has changed. */
export const reviseFriendship = (tx: Prisma.TransactionClient, a: string, b: string): Promise<Revised[]> =>
  revise(tx, Prisma.sql`${causes.between(a, b)} AND c.key LIKE 'friend\_%'`);
