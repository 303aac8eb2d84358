import type { ChatDto } from '#contracts';
import { Prisma } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { MemberSettings } from '../member-settings.js';

/**
 * Hides a chat from the user's list, or restores it. A new message does not restore it.
 * @throws AppError CHAT_NOT_FOUND, FORBIDDEN
 */
export class ArchiveChat extends Command<ChatDto> {
  constructor(
    readonly userId: string,
    readonly chatId: string,
    readonly archived: boolean,
    /** The device that made the request: only the user's other devices receive the event. */
    readonly socketId?: string,
  ) {
    super();
  }
}

@CommandHandler(ArchiveChat)
export class ArchiveChatHandler implements ICommandHandler<ArchiveChat> {
  constructor(private readonly settings: MemberSettings) {}

  execute({ userId, chatId, archived, socketId }: ArchiveChat): Promise<ChatDto> {
    const setting = archived
      ? { assignment: Prisma.sql`archived_at = now()`, unless: Prisma.sql`archived_at IS NOT NULL` }
      : { assignment: Prisma.sql`archived_at = NULL`, unless: Prisma.sql`archived_at IS NULL` };
    return this.settings.set(chatId, userId, setting, socketId);
  }
}
