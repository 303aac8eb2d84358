import { Module } from '@nestjs/common';
import { NodeRegistry } from './cluster/node-registry.js';
import { Hub } from './hub/hub.js';
import { EventPublisher, EventQueue } from './publisher.js';

/** Live delivery, for all features. */
@Module({
  providers: [EventPublisher, EventQueue, Hub, NodeRegistry],
  exports: [EventPublisher, EventQueue, Hub, NodeRegistry],
})
export class LiveDeliveryModule {}
