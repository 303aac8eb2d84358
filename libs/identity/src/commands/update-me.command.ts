import { AppError, type UpdateMeBody } from '#contracts';
import { isUniqueViolation, PrismaService, RateLimits, type Prisma, type User } from '#platform';
import {
  EventPublisher,
  blockedTopic,
  chatTopic,
  followersTopic,
  friendsTopic,
  type Topic,
  userTopic,
  watchersTopic,
} from '#realtime';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { isReserved } from '../accounts/handle.js';
import { toMe, type Me } from '../accounts/profile.js';

/**
 * Changes the given fields of the user's own profile; `avatar: null` removes it (`PATCH users/me`). A new name, handle
 * or picture is published to the user's own devices and to the devices that show the user.
 * @throws AppError CONFLICT (when the handle is taken or reserved, or for `is_master: false` while services are
 *   offered), RATE_LIMIT (per hour)
 */
export class UpdateMe extends Command<Me> {
  constructor(
    readonly userId: string,
    readonly changes: UpdateMeBody,
  ) {
    super();
  }
}

const SEEN = { name: true, handle: true, avatar: true };

@CommandHandler(UpdateMe)
export class UpdateMeHandler implements ICommandHandler<UpdateMe> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly publisher: EventPublisher,
    private readonly limits: RateLimits,
  ) {}

  async execute({ userId, changes }: UpdateMe): Promise<Me> {
    // An update without changes takes no lock.
    if (Object.values(changes).every((value) => value === undefined))
      return toMe(await this.prisma.user.findUniqueOrThrow({ where: { id: userId } }));
    const isCounted = await this.isSeen(userId, changes);
    // Before the lock: a user over the limit holds none.
    if (isCounted) await this.limits.take('profile', userId);
    const { user, topics } = await this.prisma
      .$transaction(async (tx) => {
        const updated = await update(tx, userId, changes);
        // Another change committed in between.
        if (updated.topics && !isCounted) await this.limits.take('profile', userId);
        return updated;
      })
      .catch((error: unknown) => {
        throw isUniqueViolation(error) ? handleTaken() : error;
      });
    if (topics) {
      const { name, handle, avatar } = user;
      const event = { user_id: userId, name, handle, avatar };
      this.publisher.publish(topics, 'user:updated', event, { except: [blockedTopic(userId)] });
    }
    return toMe(user);
  }

  /** Whether other users can see the changes. */
  private async isSeen(userId: string, changes: UpdateMeBody): Promise<boolean> {
    const before = await this.prisma.user.findUniqueOrThrow({ where: { id: userId }, select: SEEN });
    return (['name', 'handle', 'avatar'] as const).some(
      (field) => changes[field] !== undefined && changes[field] !== before[field],
    );
  }
}

/** `topics`: where the user is shown, if a shown field has changed. */
async function update(
  tx: Prisma.TransactionClient,
  userId: string,
  {
    name,
    handle,
    avatar,
    is_master: isMaster,
    locale,
    messages_from: messagesFrom,
    groups_from: groupsFrom,
  }: UpdateMeBody,
): Promise<{ user: User; topics?: Topic[] }> {
  const [before] = await tx.$queryRaw<Pick<User, 'name' | 'handle' | 'avatar'>[]>`
    SELECT name, handle, avatar FROM users WHERE id = ${userId}::uuid FOR NO KEY UPDATE`;
  if (handle && handle !== before?.handle && isReserved(handle)) throw handleTaken();
  const data = { name, handle, isMaster, locale, avatar, messagesFrom, groupsFrom };
  const user = await tx.user.update({ where: { id: userId }, data });
  // Under the lock of the user's row, which offering a service takes as well.
  if (isMaster === false && (await tx.service.findFirst({ where: { masterId: userId, archivedAt: null } })))
    throw new AppError('CONFLICT', 'Delete your services first');
  const isSame = user.name === before?.name && user.handle === before.handle && user.avatar === before.avatar;
  return isSame ? { user } : { user, topics: await topicsAround(tx, userId) };
}

const handleTaken = () => new AppError('CONFLICT', 'This handle is taken', { reason: 'handle_taken' });

/** The same topics as for presence: shown chats, people whom the user follows, followers, friends and watchers. */
async function topicsAround(tx: Prisma.TransactionClient, userId: string): Promise<Topic[]> {
  const relationships = await tx.$queryRaw<{ chat: string | null; followee: string | null }[]>`
    SELECT chat_id AS chat, NULL::uuid AS followee FROM chat_members p
    WHERE user_id = ${userId}::uuid AND left_at IS NULL AND NOT EXISTS (
      SELECT FROM chat_members o JOIN chats c ON c.id = o.chat_id
      WHERE o.chat_id = p.chat_id AND NOT o.opened AND o.user_id <> p.user_id AND c.last_seq = 0)
    UNION ALL SELECT NULL, followee_id FROM follows WHERE follower_id = ${userId}::uuid`;
  return [
    ...[userTopic, watchersTopic, followersTopic, friendsTopic].map((topic) => topic(userId)),
    ...relationships.map(({ chat, followee }) => (chat ? chatTopic(chat) : userTopic(followee!))),
  ];
}
