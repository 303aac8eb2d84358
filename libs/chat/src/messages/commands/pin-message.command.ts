import { AppError, MAX_PINS, type MessageDto } from '#contracts';
import type { Prisma } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { MessageChanges } from '../message-changes.js';

/**
 * Pins a message for everybody in the chat, or takes its pin off; repeating it changes nothing. Any member may.
 * @throws AppError RATE_LIMIT, NOT_FOUND, FORBIDDEN (not a member, or a block), CONFLICT (100 are pinned), UNAVAILABLE
 */
export class PinMessage extends Command<MessageDto> {
  constructor(
    readonly userId: string,
    readonly messageId: string,
    readonly on: boolean,
    /** The chat that the message is said to be in, where the caller says so. */
    readonly chatId?: string,
  ) {
    super();
  }
}

@CommandHandler(PinMessage)
export class PinMessageHandler implements ICommandHandler<PinMessage> {
  constructor(private readonly changes: MessageChanges) {}

  execute({ userId, messageId, on, chatId }: PinMessage): Promise<MessageDto> {
    const event = on ? 'chat:message:pinned' : 'chat:message:unpinned';
    return this.changes.change({ messageId, chatId }, userId, event, async (message, tx) => {
      if ((message.pinned_at !== null) === on) return null;
      return { pinnedAt: on ? await this.nextPin(tx, message.chat_id) : null };
    });
  }

  /** Pins are sorted by their time: each is later than the one before it, whatever the clocks say. */
  private async nextPin(tx: Prisma.TransactionClient, chatId: string): Promise<Date> {
    const { _count: count, _max: newest } = await tx.message.aggregate({
      where: { chatId, pinnedAt: { not: null } },
      _count: true,
      _max: { pinnedAt: true },
    });
    if (count >= MAX_PINS) throw new AppError('CONFLICT', `A chat has ${MAX_PINS} pinned messages at most`);
    return new Date(Math.max(Date.now(), (newest.pinnedAt?.getTime() ?? 0) + 1));
  }
}
