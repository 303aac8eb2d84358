import { AppError, type ChatDto, type MemberRoleBody } from '#contracts';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ChatUpdatePublisher } from '../../conversations/chat-update-publisher.js';
import { ChatViews } from '../../conversations/chat-views.js';
import { GroupChanges } from '../group-changes.js';

/**
 * The owner of a group grants or takes the admin role, or transfers the group and becomes an admin.
 * @throws AppError CHAT_NOT_FOUND, FORBIDDEN (when the user is not the owner, or in a direct chat), INVALID_DATA (for
 *   the owner's own role), NOT_FOUND (when the member is not in the group)
 */
export class SetMemberRole extends Command<ChatDto> {
  constructor(
    readonly userId: string,
    readonly chatId: string,
    readonly memberId: string,
    readonly role: MemberRoleBody['role'],
  ) {
    super();
  }
}

@CommandHandler(SetMemberRole)
export class SetMemberRoleHandler implements ICommandHandler<SetMemberRole> {
  constructor(
    private readonly groups: GroupChanges,
    private readonly updates: ChatUpdatePublisher,
    private readonly views: ChatViews,
  ) {}

  async execute({ userId, chatId, memberId, role }: SetMemberRole): Promise<ChatDto> {
    const changed = await this.groups.change(chatId, userId, {
      decide: async (db, group) => {
        if (group.role !== 'owner')
          throw new AppError('FORBIDDEN', 'Only the owner of the group may do this');
        if (memberId === userId)
          throw AppError.invalid('user_id', 'must not be your own: transfer the group instead');
        const member = await db.chatMember.findUnique({
          where: { chatId_userId: { chatId, userId: memberId }, leftAt: null },
          select: { role: true },
        });
        if (!member) throw new AppError('NOT_FOUND', 'This user is not a member of the group');
        return member.role === role ? null : role;
      },
      store: async (tx) => {
        await tx.$executeRaw`
          UPDATE chat_members SET role = ${role}::member_role, changed_xid = pg_current_xact_id()
          WHERE chat_id = ${chatId}::uuid AND user_id = ${memberId}::uuid`;
        if (role === 'owner')
          await tx.$executeRaw`
            UPDATE chat_members SET role = 'admin', changed_xid = pg_current_xact_id()
            WHERE chat_id = ${chatId}::uuid AND user_id = ${userId}::uuid`;
      },
    });
    if (changed) await this.updates.publish(chatId);
    const [chat] = await this.views.of(userId, chatId);
    return chat!;
  }
}
