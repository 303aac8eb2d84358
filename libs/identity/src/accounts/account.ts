import type { AccountDto } from '#contracts';
import type { User } from '#platform';
import { PROFILE_COLUMNS, toProfile, type ProfileColumns } from './profile.js';

/** A user as shown to admins, without `online`. */
export type Account = Omit<AccountDto, 'online'>;

export type AccountColumns = ProfileColumns & Pick<User, 'email' | 'role' | 'bannedAt' | 'createdAt'>;

export const ACCOUNT_COLUMNS = {
  ...PROFILE_COLUMNS,
  email: true,
  role: true,
  bannedAt: true,
  createdAt: true,
} as const;

export const toAccount = (user: AccountColumns): Account => ({
  ...toProfile(user),
  email: user.email,
  role: user.role,
  banned_at: user.bannedAt?.toISOString() ?? null,
  created_at: user.createdAt.toISOString(),
});
