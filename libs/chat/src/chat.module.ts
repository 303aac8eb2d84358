import { LiveDeliveryModule } from '#realtime';
import { IdentityModule } from '#identity';
import { MarketplaceModule } from '#marketplace';
import { NotificationsModule } from '#notifications';
import { PresenceModule } from '#presence';
import { SocialModule } from '#social';
import { Module } from '@nestjs/common';
import { ChatUpdatePublisher } from './conversations/chat-update-publisher.js';
import { ChatViews } from './conversations/chat-views.js';
import { AcceptProposalHandler } from './messages/commands/accept-proposal.command.js';
import { AddMembersHandler } from './membership/commands/add-members.command.js';
import { ArchiveChatHandler } from './membership/commands/archive-chat.command.js';
import { CreateChatHandler } from './conversations/commands/create-chat.command.js';
import { DeleteMessageHandler } from './messages/commands/delete-message.command.js';
import { EditMessageHandler } from './messages/commands/edit-message.command.js';
import { ForwardMessagesHandler } from './messages/commands/forward-messages.command.js';
import { JoinChatHandler } from './membership/commands/join-chat.command.js';
import { MarkMessagesHandler } from './receipts/commands/mark-messages.command.js';
import { MuteChatHandler } from './membership/commands/mute-chat.command.js';
import { PinMessageHandler } from './messages/commands/pin-message.command.js';
import { ReactToMessageHandler } from './messages/commands/react-to-message.command.js';
import { ReconcileMembershipsHandler } from './membership/commands/reconcile-memberships.command.js';
import { ReconcileReactionsHandler } from './messages/commands/reconcile-reactions.command.js';
import { RemoveMemberHandler } from './membership/commands/remove-member.command.js';
import { SendMessageHandler } from './messages/commands/send-message.command.js';
import { SetMemberRoleHandler } from './membership/commands/set-member-role.command.js';
import { UpdateChatHandler } from './conversations/commands/update-chat.command.js';
import { GroupChanges } from './membership/group-changes.js';
import { ReadCursors } from './receipts/read-cursors.js';
import { MemberSettings } from './membership/member-settings.js';
import { Memberships } from './membership/membership.js';
import { MessageChanges } from './messages/message-changes.js';
import { MessageReader } from './messages/message-reader.js';
import { MessageWriter } from './messages/message-writer.js';
import { GetMessageHandler } from './messages/queries/get-message.query.js';
import { GetChangesHandler } from './messages/queries/get-changes.query.js';
import { GetChatHandler } from './conversations/queries/get-chat.query.js';
import { GetHistoryHandler } from './messages/queries/get-history.query.js';
import { ListChatsHandler } from './conversations/queries/list-chats.query.js';
import { ListMembersHandler } from './membership/queries/list-members.query.js';
import { ListPinsHandler } from './messages/queries/list-pins.query.js';
import { ListReceiptsHandler } from './receipts/queries/list-receipts.query.js';
import { SearchMessagesHandler } from './messages/queries/search-messages.query.js';
import { SyncHandler } from './sync/sync.query.js';
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
  GetMessageHandler,
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
  imports: [
    IdentityModule,
    LiveDeliveryModule,
    MarketplaceModule,
    NotificationsModule,
    PresenceModule,
    SocialModule,
  ],
  providers: [
    ChatUpdatePublisher,
    ChatViews,
    GroupChanges,
    ReadCursors,
    MemberSettings,
    Memberships,
    MessageChanges,
    MessageReader,
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
