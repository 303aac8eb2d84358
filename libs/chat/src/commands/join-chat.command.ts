import type { JoinAck } from '#contracts';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Marks } from '../marks.js';
import { Memberships } from '../membership.js';

/**
 * A chat is open on a device: everything in it is delivered.
 * @throws AppError CHAT_NOT_FOUND, FORBIDDEN, UNAVAILABLE
 */
export class JoinChat extends Command<JoinAck> {
  constructor(
    readonly userId: string,
    readonly chatId: string,
  ) {
    super();
  }
}

@CommandHandler(JoinChat)
export class JoinChatHandler implements ICommandHandler<JoinChat> {
  constructor(
    private readonly memberships: Memberships,
    private readonly marks: Marks,
  ) {}

  async execute({ userId, chatId }: JoinChat): Promise<JoinAck> {
    const { last_seq } = await this.memberships.require(chatId, userId);
    const { unread_count } = await this.marks.move({ chatId, userId, kind: 'delivered', seq: last_seq });
    return { status: 'joined', chat_id: chatId, last_seq, unread_count };
  }
}
