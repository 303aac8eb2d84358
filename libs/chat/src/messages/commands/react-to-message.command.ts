import { AppError, bareEmoji, emojiOf, type ReactPayload, type ReactionDto } from '#contracts';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { MessageChanges } from '../message-changes.js';
import { REACTIONS } from '../reactions.js';

const MAX_DIFFERENT = 20;
const notOne = () => AppError.invalid('emoji', 'must be one emoji');

/**
 * Adds or removes one reaction of the user, in any form of its emoji; repeating it changes nothing.
 * @throws AppError INVALID_DATA (names `emoji`, unless it is exactly one emoji), CONFLICT (for a 21st different emoji)
 */
export class ReactToMessage extends Command<void> {
  constructor(
    readonly userId: string,
    readonly payload: ReactPayload,
    /** The chat of the message according to the caller, if given. */
    readonly chatId?: string,
  ) {
    super();
  }
}

@CommandHandler(ReactToMessage)
export class ReactToMessageHandler implements ICommandHandler<ReactToMessage> {
  constructor(private readonly changes: MessageChanges) {}

  async execute({ userId, payload, chatId }: ReactToMessage): Promise<void> {
    const { message_id: messageId, on } = payload;
    const one = emojiOf(payload.emoji);
    if (on && !one) throw notOne();
    await this.changes.change({ messageId, chatId }, userId, 'chat:message:reaction', async (message, tx) => {
      const kinds = message.reactions.map((reaction) => reaction.emoji);
      // Earlier versions accepted several emoji as one: existing ones can be removed.
      const emoji = one ?? kinds.find((kind) => bareEmoji(kind) === bareEmoji(payload.emoji));
      if (!emoji) throw notOne();
      if (on && !kinds.includes(emoji) && kinds.length >= MAX_DIFFERENT)
        throw new AppError('CONFLICT', `Limit of ${MAX_DIFFERENT} different reactions reached`);
      const row = { messageId, userId, emoji };
      const { count } = on
        ? await tx.messageReaction.createMany({ data: [row], skipDuplicates: true })
        : await tx.messageReaction.deleteMany({ where: row });
      if (count === 0) return null;
      const [now] = await tx.$queryRaw<{ reactions: ReactionDto[] }[]>`
        SELECT ${REACTIONS} AS reactions FROM messages m WHERE m.id = ${messageId}::uuid`;
      return now!;
    });
  }
}
