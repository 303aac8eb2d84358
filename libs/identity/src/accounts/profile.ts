import type { MeDto, PersonDto, UserDto } from '#contracts';
import type { User } from '#platform';

/** A user's public profile without `online`, which only presence knows. */
export type Profile = Omit<UserDto, 'online'>;

/** The signed-in user's own profile without `online`. */
export type Me = Omit<MeDto, 'online'>;

export type ProfileColumns = Pick<User, 'id' | 'name' | 'handle' | 'avatar' | 'isMaster' | 'lastSeenAt'>;

export const PERSON_COLUMNS = { id: true, name: true, handle: true, avatar: true, isMaster: true } as const;

export const PROFILE_COLUMNS = { ...PERSON_COLUMNS, lastSeenAt: true } as const;

export const toPerson = (user: Omit<ProfileColumns, 'lastSeenAt'>): PersonDto => ({
  id: user.id,
  name: user.name,
  handle: user.handle,
  avatar: user.avatar,
  is_master: user.isMaster,
});

export const toProfile = (user: ProfileColumns): Profile => ({
  ...toPerson(user),
  last_seen: user.lastSeenAt?.toISOString() ?? null,
});

export const toMe = (user: User): Me => ({
  ...toProfile(user),
  email: user.email,
  role: user.role,
  locale: user.locale as Me['locale'],
  messages_from: user.messagesFrom,
  groups_from: user.groupsFrom,
});
