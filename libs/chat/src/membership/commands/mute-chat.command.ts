import { AppError, type ChatDto } from '#contracts';
import { Prisma } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { MemberSettings } from '../member-settings.js';

/** Until it is unmuted (contract, `chat:mute`). */
const FOR_GOOD = '9999-12-31T23:59:59.999Z';

/**
 * The user's devices are to stay quiet about a chat, until a time or for good, or no longer. It goes on in all else.
 * @throws AppError CHAT_NOT_FOUND, FORBIDDEN, INVALID_DATA (`until` is not ahead)
 */
export class MuteChat extends Command<ChatDto> {
  constructor(
    readonly userId: string,
    readonly chatId: string,
    readonly muted: boolean,
    readonly until?: string | null,
    /** The device that asked: the user's other devices are told. */
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
      throw AppError.invalid('until', 'must be a time ahead');
    const mutedUntil = muted ? new Date(until ?? FOR_GOOD) : null;
    const setting = {
      assignment: Prisma.sql`muted_until = ${mutedUntil}`,
      // A mute that is over is none.
      unless: mutedUntil
        ? Prisma.sql`muted_until IS NOT DISTINCT FROM ${mutedUntil}`
        : Prisma.sql`muted_until > now() IS NOT TRUE`,
    };
    return this.settings.set(chatId, userId, setting, socketId);
  }
}
