import { IdentityModule } from '#identity';
import { MarketplaceModule } from '#marketplace';
import { NotificationsModule } from '#notifications';
import { PresenceModule } from '#presence';
import { SocialModule } from '#social';
import { Module } from '@nestjs/common';
import { ChatUpdatePublisher } from './conversations/chat-update-publisher.js';
import { ChatChangeQueue } from './membership/chat-change-queue.js';
import { ChatViews } from './conversations/chat-views.js';
import { AcceptProposalHandler } from './commands/accept-proposal.command.js';
import { AddMembersHandler } from './commands/add-members.command.js';
import { ArchiveChatHandler } from './commands/archive-chat.command.js';
import { CreateChatHandler } from './commands/create-chat.command.js';
import { DeleteMessageHandler } from './commands/delete-message.command.js';
import { EditMessageHandler } from './commands/edit-message.command.js';
import { ForwardMessagesHandler } from './commands/forward-messages.command.js';
import { JoinChatHandler } from './commands/join-chat.command.js';
import { MarkMessagesHandler } from './commands/mark-messages.command.js';
import { MuteChatHandler } from './commands/mute-chat.command.js';
import { PinMessageHandler } from './commands/pin-message.command.js';
import { ReactToMessageHandler } from './commands/react-to-message.command.js';
import { ReconcileMembershipsHandler } from './commands/reconcile-memberships.command.js';
import { ReconcileReactionsHandler } from './commands/reconcile-reactions.command.js';
import { RemoveMemberHandler } from './commands/remove-member.command.js';
import { SendMessageHandler } from './commands/send-message.command.js';
import { SetMemberRoleHandler } from './commands/set-member-role.command.js';
import { UpdateChatHandler } from './commands/update-chat.command.js';
import { GroupChanges } from './membership/group-changes.js';
import { ReadCursors } from './receipts/read-cursors.js';
import { MemberSettings } from './membership/member-settings.js';
import { Memberships } from './membership/membership.js';
import { MessageChanges } from './messages/message-changes.js';
import { MessageWriter } from './messages/message-writer.js';
import { FindMessageHandler } from './queries/find-message.query.js';
import { GetChangesHandler } from './queries/get-changes.query.js';
import { GetChatHandler } from './queries/get-chat.query.js';
import { GetHistoryHandler } from './queries/get-history.query.js';
import { ListChatsHandler } from './queries/list-chats.query.js';
import { ListMembersHandler } from './queries/list-members.query.js';
import { ListPinsHandler } from './queries/list-pins.query.js';
import { ListReceiptsHandler } from './queries/list-receipts.query.js';
import { SearchMessagesHandler } from './queries/search-messages.query.js';
import { SyncHandler } from './queries/sync.query.js';
import { Receipts } from './receipts/receipts.js';
import { SenderQueue } from './messages/sender-queue.js';
import { Typing } from './typing/typing.js';
import { WriteMutex } from './messages/write-mutex.js';

const handlers = [
  AcceptProposalHandler,
  AddMembersHandler,
  ArchiveChatHandler,
  CreateChatHandler,
  DeleteMessageHandler,
  EditMessageHandler,
  ForwardMessagesHandler,
  JoinChatHandler,
  MarkMessagesHandler,
  MuteChatHandler,
  PinMessageHandler,
  ReactToMessageHandler,
  ReconcileMembershipsHandler,
  ReconcileReactionsHandler,
  RemoveMemberHandler,
  SendMessageHandler,
  SetMemberRoleHandler,
  UpdateChatHandler,
  FindMessageHandler,
  GetChangesHandler,
  GetChatHandler,
  GetHistoryHandler,
  ListChatsHandler,
  ListMembersHandler,
  ListPinsHandler,
  ListReceiptsHandler,
  SearchMessagesHandler,
  SyncHandler,
];

@Module({
  imports: [IdentityModule, MarketplaceModule, NotificationsModule, PresenceModule, SocialModule],
  providers: [
    ChatUpdatePublisher,
    ChatChangeQueue,
    ChatViews,
    GroupChanges,
    ReadCursors,
    MemberSettings,
    Memberships,
    MessageChanges,
    MessageWriter,
    Receipts,
    SenderQueue,
    Typing,
    WriteMutex,
    ...handlers,
  ],
  exports: [ChatViews, ReadCursors, Memberships, Typing],
})
export class ChatModule {}
