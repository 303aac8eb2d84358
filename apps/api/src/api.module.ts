import { AdminModule } from '#admin';
import { AssistantModule } from '#assistant';
import { ChatModule } from '#chat';
import { IdentityModule } from '#identity';
import { MarketplaceModule } from '#marketplace';
import { NotificationsModule } from '#notifications';
import { PresenceModule } from '#presence';
import { SocialModule } from '#social';
import { Module } from '@nestjs/common';
import { APP_GUARD, RouterModule } from '@nestjs/core';
import { AdminController } from './admin.controller.js';
import { AdminUsersController } from './admin-users.controller.js';
import { AnnouncementsController } from './announcements.controller.js';
import { AssistantController } from './assistant.controller.js';
import { AuthController } from './auth.controller.js';
import { BookingsController } from './bookings.controller.js';
import { ChatSettingsController } from './chat-settings.controller.js';
import { ChatsController } from './chats.controller.js';
import { CommentsController } from './comments.controller.js';
import { FriendsController } from './friends.controller.js';
import { JwtGuard } from './jwt.guard.js';
import { JwtStrategy } from './jwt.strategy.js';
import { MessagesController } from './messages.controller.js';
import { NotificationsController } from './notifications.controller.js';
import { OlderSignInModule } from './legacy-login.controller.js';
import { PinsController } from './pins.controller.js';
import { PostsController } from './posts.controller.js';
import { PresenceController } from './presence.controller.js';
import { QueuesController } from './queues.controller.js';
import { ConcurrencyGuard } from './concurrency.guard.js';
import { AdminReportsController, ReportsController } from './reports.controller.js';
import { RelationshipsController } from './relationships.controller.js';
import { ServicesController } from './services.controller.js';
import { UsersController } from './users.controller.js';

/** REST under `/api/v2`. The order of the guards matters: authentication first, then concurrent reads. */
@Module({
  imports: [
    AdminModule,
    IdentityModule,
    AssistantModule,
    ChatModule,
    MarketplaceModule,
    NotificationsModule,
    OlderSignInModule,
    PresenceModule,
    SocialModule,
    RouterModule.register([{ path: 'api/v2', module: ApiModule }]),
  ],
  controllers: [
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
  ],
  providers: [
    JwtStrategy,
    { provide: APP_GUARD, useClass: JwtGuard },
    { provide: APP_GUARD, useClass: ConcurrencyGuard },
  ],
})
export class ApiModule {}
