import { AppError } from '#contracts';
import { EventPublisher, chatTopic, userTopic } from '#realtime';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ChatUpdatePublisher } from '../../conversations/chat-update-publisher.js';
import { GroupChanges, assertRunsGroup } from '../group-changes.js';
import { settleOwners } from '../group-owners.js';

/**
 * A member leaves a group, or is removed by its owner or an admin (admins remove only members). Their devices receive
 * `chat:removed` and no further events, and they can read the messages up to that moment. Their typing ends. When the
 * owner leaves, an admin becomes the owner, or else the longest member. A banned member who is removed does not return
 * with an unban. Nobody is notified of it, since the others do not see this user.
 * @throws AppError CHAT_NOT_FOUND, FORBIDDEN, NOT_FOUND (when the user is not in the group)
 */
export class RemoveMember extends Command<void> {
  constructor(
    readonly userId: string,
    readonly chatId: string,
    readonly removedId: string,
  ) {
    super();
  }
}

@CommandHandler(RemoveMember)
export class RemoveMemberHandler implements ICommandHandler<RemoveMember> {
  constructor(
    private readonly groups: GroupChanges,
    private readonly updates: ChatUpdatePublisher,
    private readonly publisher: EventPublisher,
  ) {}

  async execute(remove: RemoveMember): Promise<void> {
    const { userId, chatId, removedId } = remove;
    const removal = await this.publisher.changeSubscriptions((name) =>
      this.store(remove, () => name({ topics: [chatTopic(chatId)], userIds: [removedId] })),
    );
    if (!removal) return;
    const { last_seq } = removal.decided;
    this.publisher.subscriptionsChanged(chatTopic(chatId), [removedId], {
      ...removal.version,
      member: false,
    });
    // After the change of memberships: a later start of typing is refused.
    this.publisher.signal('typingEnds', { userIds: [removedId], chatId });
    this.publisher.publish(userTopic(removedId), 'chat:removed', {
      chat_id: chatId,
      removed_by: userId,
      last_seq,
    });
    await this.updates.publish(chatId);
  }

  private store({ userId, chatId, removedId }: RemoveMember, name: () => void) {
    return this.groups.change(chatId, userId, {
      decide: async (db, group) => {
        if (removedId !== userId) assertRunsGroup(group);
        const member = await db.chatMember.findUnique({
          where: { chatId_userId: { chatId, userId: removedId } },
        });
        if (!member || (member.leftAt && !member.leftByBan))
          throw new AppError('NOT_FOUND', 'Not in this group');
        if (removedId !== userId && group.role === 'admin' && member.role !== 'member')
          throw new AppError('FORBIDDEN', 'Only the owner may remove an admin');
        const { last_seq, change_seq } = group;
        return { last_seq, change_seq, isOwner: member.role === 'owner', isBanned: member.leftByBan };
      },
      store: async (tx, { last_seq, change_seq, isOwner, isBanned }) => {
        name();
        if (isBanned) {
          await tx.$executeRaw`
            UPDATE chat_members SET left_by_ban = false, role = 'member', changed_xid = pg_current_xact_id()
            WHERE chat_id = ${chatId}::uuid AND user_id = ${removedId}::uuid`;
          return 'unseen';
        }
        await tx.$executeRaw`
          UPDATE chat_members SET left_at = now(), left_seq = ${last_seq}, left_change_seq = ${change_seq}, role = 'member',
            left_by_self = ${removedId === userId}, changed_xid = pg_current_xact_id()
          WHERE chat_id = ${chatId}::uuid AND user_id = ${removedId}::uuid`;
        await tx.chat.update({
          where: { id: chatId },
          data: { memberCount: { decrement: 1 } },
          select: { id: true },
        });
        if (isOwner) await settleOwners(tx, [chatId]);
      },
    });
  }
}
