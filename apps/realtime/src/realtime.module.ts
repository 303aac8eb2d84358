import { ChatModule } from '#chat';
import { IdentityModule } from '#identity';
import { PresenceModule } from '#presence';
import { Module } from '@nestjs/common';
import { ChatGateway } from './chat.gateway.js';
import { ConnectionGateway } from './connection.gateway.js';
import { DeliveryTracker } from './delivery-tracker.js';
import { EventAnswering } from './event-answering.js';
import { PresenceGateway } from './presence.gateway.js';

@Module({
  imports: [IdentityModule, ChatModule, PresenceModule],
  providers: [EventAnswering, DeliveryTracker, ConnectionGateway, ChatGateway, PresenceGateway],
})
export class RealtimeModule {}
