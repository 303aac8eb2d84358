import type { ChatDto } from '#contracts';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { ChatViews } from '../chat-views.js';
import { Memberships } from '../../membership/membership.js';

/** @throws AppError CHAT_NOT_FOUND, FORBIDDEN */
export class GetChat extends Query<ChatDto> {
  constructor(
    readonly userId: string,
    readonly chatId: string,
  ) {
    super();
  }
}

@QueryHandler(GetChat)
export class GetChatHandler implements IQueryHandler<GetChat> {
  constructor(
    private readonly memberships: Memberships,
    private readonly views: ChatViews,
  ) {}

  async execute({ userId, chatId }: GetChat): Promise<ChatDto> {
    await this.memberships.require(chatId, userId);
    return (await this.views.of(userId, chatId))[0]!;
  }
}
