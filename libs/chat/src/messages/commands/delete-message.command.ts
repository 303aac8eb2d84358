import { AppError } from '#contracts';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { MessageChanges } from '../message-changes.js';

/**
 * Deletes a message for everyone: its place and number stay, its content and pin are removed.
 * @throws AppError FORBIDDEN (unless the user sent it, or is the owner or an admin of the group)
 */
export class DeleteMessage extends Command<void> {
  constructor(
    readonly userId: string,
    readonly messageId: string,
    /** The chat of the message according to the caller, if given. */
    readonly chatId?: string,
  ) {
    super();
  }
}

@CommandHandler(DeleteMessage)
export class DeleteMessageHandler implements ICommandHandler<DeleteMessage> {
  constructor(private readonly changes: MessageChanges) {}

  async execute({ userId, messageId, chatId }: DeleteMessage): Promise<void> {
    await this.changes.change({ messageId, chatId }, userId, 'chat:message:deleted', async (message, tx) => {
      const runsGroup = message.chat_type === 'group' && message.member_role !== 'member';
      if (message.sender_id !== userId && !runsGroup)
        throw new AppError('FORBIDDEN', 'Only the sender or an admin of the group may delete a message');
      await tx.messageReaction.deleteMany({ where: { messageId } });
      return { content: '', metadata: {}, reactions: [], pinnedAt: null, deletedAt: new Date() };
    });
  }
}
