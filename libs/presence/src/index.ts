import { LiveDeliveryModule } from '#realtime';
import { Module } from '@nestjs/common';
import { Presence } from './presence.js';

@Module({ imports: [LiveDeliveryModule], providers: [Presence], exports: [Presence] })
export class PresenceModule {}

export { Presence };
