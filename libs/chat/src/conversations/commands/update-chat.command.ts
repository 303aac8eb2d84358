import type { ChatDto, UpdateChatBody } from '#contracts';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ChatUpdatePublisher } from '../chat-update-publisher.js';
import { ChatViews } from '../chat-views.js';
import { GroupChanges, assertRunsGroup } from '../../membership/group-changes.js';

/**
 * The owner or an admin changes a group's title and avatar.
 * @throws AppError CHAT_NOT_FOUND, FORBIDDEN (also for every direct chat)
 */
export class UpdateChat extends Command<ChatDto> {
  constructor(
    readonly userId: string,
    readonly chatId: string,
    readonly body: UpdateChatBody,
  ) {
    super();
  }
}

@CommandHandler(UpdateChat)
export class UpdateChatHandler implements ICommandHandler<UpdateChat> {
  constructor(
    private readonly groups: GroupChanges,
    private readonly updates: ChatUpdatePublisher,
    private readonly views: ChatViews,
  ) {}

  async execute({ userId, chatId, body: { title, avatar } }: UpdateChat): Promise<ChatDto> {
    const changed = await this.groups.change(chatId, userId, {
      decide: async (db, group) => {
        assertRunsGroup(group);
        const current = await db.chat.findUniqueOrThrow({
          where: { id: chatId },
          select: { title: true, avatar: true },
        });
        const data = {
          title: title ?? current.title,
          avatar: avatar === undefined ? current.avatar : avatar,
        };
        return data.title === current.title && data.avatar === current.avatar ? null : data;
      },
      store: (tx, data) => tx.chat.update({ where: { id: chatId }, data, select: { id: true } }),
    });
    if (changed) await this.updates.publish(chatId);
    return (await this.views.of(userId, chatId))[0]!;
  }
}
