import { AdminModule } from '#admin';
import { AssistantModule } from '#assistant';
import { ChatModule } from '#chat';
import { IdentityModule } from '#identity';
import { MarketplaceModule } from '#marketplace';
import { NotificationsModule } from '#notifications';
import { PresenceModule } from '#presence';
import { SocialModule } from '#social';
import { Module } from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import { AdminController } from './admin/admin.controller.js';
import { AdminUsersController } from './admin/admin-users.controller.js';
import { AnnouncementsController } from './admin/announcements.controller.js';
import { AssistantController } from './assistant/assistant.controller.js';
import { AuthController } from './auth/auth.controller.js';
import { BookingsController } from './bookings/bookings.controller.js';
import { ChatSettingsController } from './chats/chat-settings.controller.js';
import { ChatsController } from './chats/chats.controller.js';
import { CommentsController } from './posts/comments.controller.js';
import { FriendsController } from './relationships/friends.controller.js';
import { guarded } from './http/guarded.js';
import { JwtStrategy } from './http/jwt.strategy.js';
import { MessagesController } from './chats/messages.controller.js';
import { NotificationsController } from './notifications/notifications.controller.js';
import { LegacyLoginModule } from './auth/legacy-login.controller.js';
import { PinsController } from './chats/pins.controller.js';
import { PostsController } from './posts/posts.controller.js';
import { PresenceController } from './users/presence.controller.js';
import { QueuesController } from './admin/queues.controller.js';
import { AdminReportsController, ReportsController } from './admin/reports.controller.js';
import { RelationshipsController } from './relationships/relationships.controller.js';
import { ServicesController } from './bookings/services.controller.js';
import { UsersController } from './users/users.controller.js';

/** REST under `/api/v2`. */
@Module({
  imports: [
    AdminModule,
    IdentityModule,
    AssistantModule,
    ChatModule,
    MarketplaceModule,
    NotificationsModule,
    LegacyLoginModule,
    PresenceModule,
    SocialModule,
    RouterModule.register([{ path: 'api/v2', module: ApiModule }]),
  ],
  controllers: guarded([
    BookingsController,
    ServicesController,
    AdminController,
    AdminReportsController,
    AdminUsersController,
    AnnouncementsController,
    AssistantController,
    AuthController,
    ChatSettingsController,
    ChatsController,
    CommentsController,
    FriendsController,
    MessagesController,
    NotificationsController,
    PinsController,
    PostsController,
    PresenceController,
    QueuesController,
    ReportsController,
    RelationshipsController,
    UsersController,
  ]),
  providers: [JwtStrategy],
})
export class ApiModule {}
