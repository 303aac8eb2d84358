import { AssistantModule } from '#assistant';
import { ChatModule } from '#chat';
import { IdentityModule } from '#identity';
import { NotificationsModule } from '#notifications';
import { PresenceModule } from '#presence';
import { SocialModule } from '#social';
import { LiveDeliveryModule } from '#realtime';
import { Module } from '@nestjs/common';
import { Admission } from './connections/admission.js';
import { AssistantEndpoint } from './assistant/assistant-endpoint.js';
import { AssistantDispatcher } from './assistant/assistant-dispatcher.js';
import { AssistantSignIn } from './assistant/assistant-sign-in.js';
import { ChangedChats } from './delivery/changed-chats.js';
import { ChatGateway } from './events/chat.gateway.js';
import { ChatSettingsGateway } from './events/chat-settings.gateway.js';
import { ConnectionGateway } from './connections/connection.gateway.js';
import { Connections } from './connections/connections.js';
import { SubscriptionLoader } from './delivery/subscription-loader.js';
import { DeliveryReceipts } from './delivery/delivery-receipts.js';
import { Dialects } from './dialects/dialects.js';
import { EventDispatcher } from './events/event-dispatcher.js';
import { EventsInFlight } from './events/events-in-flight.js';
import { DeviceSignIn } from './connections/device-sign-in.js';
import { GracefulStop } from './connections/graceful-stop.js';
import { JoinedChats } from './delivery/joined-chats.js';
import { NotificationGateway } from './events/notification.gateway.js';
import { PinsGateway } from './events/pins.gateway.js';
import { PresenceGateway } from './events/presence.gateway.js';
import { SocketBudget } from './connections/socket-budget.js';

@Module({
  imports: [
    LiveDeliveryModule,
    IdentityModule,
    AssistantModule,
    ChatModule,
    NotificationsModule,
    PresenceModule,
    SocialModule,
  ],
  providers: [
    Admission,
    SocketBudget,
    EventDispatcher,
    EventsInFlight,
    AssistantEndpoint,
    AssistantDispatcher,
    AssistantSignIn,
    Connections,
    SubscriptionLoader,
    ChangedChats,
    DeliveryReceipts,
    Dialects,
    GracefulStop,
    JoinedChats,
    DeviceSignIn,
    ConnectionGateway,
    ChatGateway,
    ChatSettingsGateway,
    NotificationGateway,
    PinsGateway,
    PresenceGateway,
  ],
})
export class RealtimeModule {}
