import { AssistantModule } from '#assistant';
import { ChatModule } from '#chat';
import { IdentityModule } from '#identity';
import { NotificationsModule } from '#notifications';
import { PresenceModule } from '#presence';
import { SocialModule } from '#social';
import { Module } from '@nestjs/common';
import { Admission } from './admission.js';
import { AssistantEndpoint } from './assistant/assistant-endpoint.js';
import { AssistantServices } from './assistant/assistant-services.js';
import { ChangedChats } from './changed-chats.js';
import { ChatGateway } from './chat.gateway.js';
import { ChatSettingsGateway } from './chat-settings.gateway.js';
import { ConnectionGateway } from './connection.gateway.js';
import { Connections } from './connections.js';
import { SubscriptionLoader } from './subscription-loader.js';
import { DeliveryReceipts } from './delivery-receipts.js';
import { Dialects } from './dialects/dialects.js';
import { EventDispatcher } from './event-dispatcher.js';
import { EventsInFlight } from './events-in-flight.js';
import { GracefulStop } from './graceful-stop.js';
import { JoinedChats } from './joined-chats.js';
import { NotificationGateway } from './notification.gateway.js';
import { PinsGateway } from './pins.gateway.js';
import { PresenceGateway } from './presence.gateway.js';
import { SocketBudget } from './socket-budget.js';

@Module({
  imports: [IdentityModule, AssistantModule, ChatModule, NotificationsModule, PresenceModule, SocialModule],
  providers: [
    Admission,
    SocketBudget,
    EventDispatcher,
    EventsInFlight,
    AssistantEndpoint,
    AssistantServices,
    Connections,
    SubscriptionLoader,
    ChangedChats,
    DeliveryReceipts,
    Dialects,
    GracefulStop,
    JoinedChats,
    ConnectionGateway,
    ChatGateway,
    ChatSettingsGateway,
    NotificationGateway,
    PinsGateway,
    PresenceGateway,
  ],
})
export class RealtimeModule {}
