import { AppError, type ChatDto } from '#contracts';
import { Prisma } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { MemberSettings } from '../member-settings.js';

/** Stands for a mute without end. */
const FOR_GOOD = '9999-12-31T23:59:59.999Z';

/**
 * Mutes a chat on the user's devices until a time or permanently, or unmutes it. Nothing else changes.
 * @throws AppError CHAT_NOT_FOUND, FORBIDDEN, INVALID_DATA (when `until` is not in the future)
 */
export class MuteChat extends Command<ChatDto> {
  constructor(
    readonly userId: string,
    readonly chatId: string,
    readonly muted: boolean,
    readonly until?: string | null,
    /** The device that made the request: only the user's other devices receive the event. */
    readonly socketId?: string,
  ) {
    super();
  }
}

@CommandHandler(MuteChat)
export class MuteChatHandler implements ICommandHandler<MuteChat> {
  constructor(private readonly settings: MemberSettings) {}

  async execute({ userId, chatId, muted, until, socketId }: MuteChat): Promise<ChatDto> {
    if (muted && until != null && Date.parse(until) <= Date.now())
      throw AppError.invalid('until', 'must be in the future');
    const mutedUntil = muted ? new Date(until ?? FOR_GOOD) : null;
    const setting = {
      assignment: Prisma.sql`muted_until = ${mutedUntil}`,
      // An expired mute counts as none.
      unless: mutedUntil
        ? Prisma.sql`muted_until IS NOT DISTINCT FROM ${mutedUntil}`
        : Prisma.sql`muted_until > now() IS NOT TRUE`,
    };
    return this.settings.set(chatId, userId, setting, socketId);
  }
}
