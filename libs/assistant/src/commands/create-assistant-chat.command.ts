import type { AssistantChatDto } from '#contracts';
import { PrismaService, newId } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { NEW_CHAT, toChat } from '../conversation.js';

/** An empty chat with the assistant. */
export class CreateAssistantChat extends Command<AssistantChatDto> {
  constructor(readonly userId: string) {
    super();
  }
}

@CommandHandler(CreateAssistantChat)
export class CreateAssistantChatHandler implements ICommandHandler<CreateAssistantChat> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ userId }: CreateAssistantChat): Promise<AssistantChatDto> {
    return toChat(await this.prisma.assistantChat.create({ data: { id: newId(), userId, title: NEW_CHAT } }));
  }
}
