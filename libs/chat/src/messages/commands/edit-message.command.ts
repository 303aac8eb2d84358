import { AppError, editedMetadata, type EditMessagePayload, type MessageDto } from '#contracts';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { MessageChanges } from '../message-changes.js';

const EDITABLE_MS = 48 * 3600 * 1000;

/** @throws AppError FORBIDDEN (unless it is the sender's own text of the last 48 h), INVALID_DATA (as for a send) */
export class EditMessage extends Command<MessageDto> {
  constructor(
    readonly userId: string,
    readonly payload: EditMessagePayload,
    /** The chat of the message according to the caller, if given. */
    readonly chatId?: string,
  ) {
    super();
  }
}

@CommandHandler(EditMessage)
export class EditMessageHandler implements ICommandHandler<EditMessage> {
  constructor(private readonly changes: MessageChanges) {}

  execute({ userId, payload, chatId }: EditMessage): Promise<MessageDto> {
    return this.changes.change(
      { messageId: payload.message_id, chatId },
      userId,
      'chat:message:edited',
      (message) => {
        if (message.sender_id !== userId)
          throw new AppError('FORBIDDEN', 'Only the sender may edit a message');
        if (Date.now() - message.created_at.getTime() > EDITABLE_MS)
          throw new AppError('FORBIDDEN', 'A message can only be edited within 48 hours');
        if (message.forwarded_from) throw new AppError('FORBIDDEN', 'A forwarded message cannot be edited');
        // The target of a share never changes.
        if (message.type === 'profile_share' || message.type === 'post_share')
          throw AppError.invalid('message_id', 'a shared profile or post cannot be edited');
        if (payload.content === message.content) return null;
        // Its booking was made on the terms of this text.
        if ('booking_id' in message.metadata)
          throw new AppError('CONFLICT', 'An accepted proposal cannot be edited');
        const metadata = editedMetadata(message.type, payload.content, message.metadata);
        return { content: payload.content, metadata, editedAt: new Date() };
      },
      payload.content,
    );
  }
}
