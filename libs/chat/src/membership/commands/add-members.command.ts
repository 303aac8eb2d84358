import { AppError, MAX_MEMBERS, type ChatDto } from '#contracts';
import { Blocks, Reach, requirePresent, noSuchUser } from '#identity';
import { type Prisma } from '#platform';
import { EventPublisher, chatTopic } from '#realtime';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ChatUpdatePublisher } from '../../conversations/chat-update-publisher.js';
import { ChatViews } from '../../conversations/chat-views.js';
import { requireGroupAccepted, requireBelowGroupLimit } from '../consent.js';
import { GroupChanges, assertRunsGroup } from '../group-changes.js';

/**
 * The owner or an admin adds people to a group, if their settings allow it. Earlier messages are visible to them and
 * not unread. Only a friend can add somebody again who has left.
 * @throws AppError CHAT_NOT_FOUND, FORBIDDEN, NOT_FOUND (for an unknown, banned or blocked user), CONFLICT (when the
 *   group is full, or a user is in too many), RATE_LIMIT (per day)
 */
export class AddMembers extends Command<ChatDto> {
  constructor(
    readonly userId: string,
    readonly chatId: string,
    readonly userIds: string[],
  ) {
    super();
  }
}

@CommandHandler(AddMembers)
export class AddMembersHandler implements ICommandHandler<AddMembers> {
  constructor(
    private readonly blocks: Blocks,
    private readonly groups: GroupChanges,
    private readonly updates: ChatUpdatePublisher,
    private readonly views: ChatViews,
    private readonly publisher: EventPublisher,
    private readonly reach: Reach,
  ) {}

  async execute(add: AddMembers): Promise<ChatDto> {
    const { userId, chatId } = add;
    const added = await this.publisher.changeSubscriptions((name) =>
      this.store(add, (userIds) => name({ topics: [chatTopic(chatId)], userIds })),
    );
    if (added) {
      const { decided: addedIds, version } = added;
      this.publisher.subscriptionsChanged(chatTopic(chatId), addedIds, { ...version, member: true });
      await this.updates.publish(chatId, addedIds);
    }
    return (await this.views.of(userId, chatId))[0]!;
  }

  private store({ userId, chatId, userIds }: AddMembers, name: (userIds: string[]) => void) {
    return this.groups.change(chatId, userId, {
      decide: async (db, group) => {
        assertRunsGroup(group);
        const missing = await notIn(db, chatId, userIds);
        if (missing.length === 0) return null;
        if (group.member_count + missing.length > MAX_MEMBERS)
          throw new AppError('CONFLICT', `Limit of ${MAX_MEMBERS} members reached`, {
            reason: 'too_many_members',
          });
        return missing;
      },
      limit: (missing) => this.reach.take('groupAdd', userId, missing.length),
      store: async (tx, missing, group) => {
        // After the limit, as for unknown users: otherwise the answers of a spent limit would tell a block.
        await requirePresent(tx, missing);
        if (await this.blocks.areBetween(userId, missing, tx)) throw noSuchUser();
        await requireGroupAccepted(tx, userId, chatId, missing, 'user_ids');
        const strangers = await requireBelowGroupLimit(tx, userId, missing, 'user_ids');
        name(missing);
        await tx.$executeRaw`
          INSERT INTO chat_members (chat_id, user_id, last_read_seq, last_delivered_seq, added_by)
          SELECT ${chatId}::uuid, id, ${group.last_seq}, ${group.last_seq},
            CASE WHEN id = ANY(${strangers}::uuid[]) THEN ${userId}::uuid END
          FROM unnest(${missing}::uuid[]) AS w(id)
          ON CONFLICT (chat_id, user_id) DO UPDATE
            SET left_at = NULL, left_seq = NULL, left_change_seq = NULL, left_by_ban = false, left_by_self = false, role = 'member', joined_at = now(),
              last_read_seq = EXCLUDED.last_read_seq, last_delivered_seq = EXCLUDED.last_delivered_seq,
              own_after_read = 0, added_by = EXCLUDED.added_by, muted_until = NULL, archived_at = NULL, changed_xid = pg_current_xact_id()`;
        await tx.chat.update({
          where: { id: chatId },
          data: { memberCount: { increment: missing.length } },
          select: { id: true },
        });
      },
    });
  }
}

/** The users who are not in the group. */
async function notIn(db: Prisma.TransactionClient, chatId: string, userIds: string[]): Promise<string[]> {
  const missing = await db.$queryRaw<{ id: string }[]>`
    SELECT DISTINCT id FROM unnest(${userIds}::uuid[]) AS w(id)
    WHERE NOT EXISTS (
      SELECT FROM chat_members WHERE chat_id = ${chatId}::uuid AND user_id = w.id AND left_at IS NULL)`;
  return missing.map(({ id }) => id);
}
