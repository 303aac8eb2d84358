import { AppError, MAX_PINS, type MessageDto } from '#contracts';
import type { Prisma } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { MessageChanges } from '../message-changes.js';

/**
 * Pins or unpins a message for all members of a chat; repeating it changes nothing. Every member may.
 * @throws AppError RATE_LIMIT, NOT_FOUND, FORBIDDEN (when the user is not a member, or a block exists), CONFLICT (with
 *   100 pins), UNAVAILABLE
 */
export class PinMessage extends Command<MessageDto> {
  constructor(
    readonly userId: string,
    readonly messageId: string,
    readonly on: boolean,
    /** The chat of the message according to the caller, if given. */
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

  /** Pins are sorted by time: each is later than the previous one, whatever the clocks of the nodes show. */
  private async nextPin(tx: Prisma.TransactionClient, chatId: string): Promise<Date> {
    const { _count: count, _max: newest } = await tx.message.aggregate({
      where: { chatId, pinnedAt: { not: null } },
      _count: true,
      _max: { pinnedAt: true },
    });
    if (count >= MAX_PINS) throw new AppError('CONFLICT', `Limit of ${MAX_PINS} pinned messages reached`);
    return new Date(Math.max(Date.now(), (newest.pinnedAt?.getTime() ?? 0) + 1));
  }
}
