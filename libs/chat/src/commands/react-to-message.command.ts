import { AppError, type ReactPayload, type ReactionDto } from '#contracts';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { MessageChanges } from '../message-changes.js';

/** Pictographs, flags and keycaps with what joins and colours them; no letters or other text. */
const EMOJI =
  /^(?=.*[\p{Extended_Pictographic}\p{Regional_Indicator}\u20e3])[\p{Extended_Pictographic}\p{Emoji_Component}]+$/u;
const MAX_DIFFERENT = 20;
const USERS_SHOWN = 50;

/** Sets or takes back one reaction of the user; repeating it changes nothing. */
export class ReactToMessage extends Command<void> {
  constructor(
    readonly userId: string,
    readonly payload: ReactPayload,
    /** The chat that the message is said to be in, where the caller says so. */
    readonly chatId?: string,
  ) {
    super();
  }
}

@CommandHandler(ReactToMessage)
export class ReactToMessageHandler implements ICommandHandler<ReactToMessage> {
  constructor(private readonly changes: MessageChanges) {}

  async execute({ userId, payload, chatId }: ReactToMessage): Promise<void> {
    const { message_id: messageId, emoji, on } = payload;
    if (!EMOJI.test(emoji)) throw AppError.invalid('emoji', 'must be an emoji');
    await this.changes.change({ messageId, chatId }, userId, 'chat:message:reaction', async (message, tx) => {
      const row = { messageId, userId, emoji };
      const { count } = on
        ? await tx.messageReaction.createMany({ data: [row], skipDuplicates: true })
        : await tx.messageReaction.deleteMany({ where: row });
      if (count === 0) return null;
      return {
        reactions: on ? added(message.reactions, emoji, userId) : removed(message.reactions, emoji, userId),
      };
    });
  }
}

function added(reactions: ReactionDto[], emoji: string, userId: string): ReactionDto[] {
  const known = reactions.find((r) => r.emoji === emoji);
  if (!known) {
    if (reactions.length >= MAX_DIFFERENT)
      throw new AppError('CONFLICT', `A message takes ${MAX_DIFFERENT} different reactions at most`);
    return [...reactions, { emoji, count: 1, user_ids: [userId] }];
  }
  const user_ids = known.user_ids.length < USERS_SHOWN ? [...known.user_ids, userId] : known.user_ids;
  return reactions.map((r) => (r === known ? { emoji, count: r.count + 1, user_ids } : r));
}

function removed(reactions: ReactionDto[], emoji: string, userId: string): ReactionDto[] {
  return reactions
    .map((r) =>
      r.emoji === emoji
        ? { emoji, count: r.count - 1, user_ids: r.user_ids.filter((id) => id !== userId) }
        : r,
    )
    .filter((r) => r.count > 0);
}
