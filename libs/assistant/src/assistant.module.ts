import { LiveDeliveryModule } from '#realtime';
import { IdentityModule } from '#identity';
import { MarketplaceModule } from '#marketplace';
import { NotificationsModule } from '#notifications';
import { Module } from '@nestjs/common';
import { AnswerLog } from './answers/answer-log.js';
import { AnswerQueue } from './answers/answer-queue.js';
import { AnswerStore } from './answers/answer-store.js';
import { Answers } from './answers/answers.js';
import { AskAssistantHandler } from './commands/ask-assistant.command.js';
import { CreateAssistantChatHandler } from './commands/create-assistant-chat.command.js';
import { DeleteAssistantChatHandler } from './commands/delete-assistant-chat.command.js';
import { RegenerateAnswerHandler } from './commands/regenerate-answer.command.js';
import { StopAnswerHandler } from './commands/stop-answer.command.js';
import { Conversations } from './conversations/conversations.js';
import { Model } from './model/model.js';
import { Prompts } from './model/prompt.js';
import { GetAssistantChatHandler } from './queries/get-assistant-chat.query.js';
import { ListAssistantChatsHandler } from './queries/list-assistant-chats.query.js';
import { Tools } from './tools/tools.js';
import { Zones } from './tools/zones.js';

@Module({
  imports: [IdentityModule, LiveDeliveryModule, MarketplaceModule, NotificationsModule],
  providers: [
    AnswerLog,
    AnswerQueue,
    AnswerStore,
    Answers,
    Conversations,
    Model,
    Prompts,
    Tools,
    Zones,
    AskAssistantHandler,
    CreateAssistantChatHandler,
    DeleteAssistantChatHandler,
    RegenerateAnswerHandler,
    StopAnswerHandler,
    GetAssistantChatHandler,
    ListAssistantChatsHandler,
  ],
  exports: [Answers, Conversations],
})
export class AssistantModule {}
