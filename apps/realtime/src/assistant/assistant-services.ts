import { Conversations } from '#assistant';
import { Authenticator } from '#identity';
import { KeyedQueue, Metrics, RateLimits, Reads, UserWrites } from '#platform';
import { Hub } from '#realtime';
import { Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { Admission } from '../connections/admission.js';
import { SocketBudget } from '../connections/socket-budget.js';

/** The services that every connection of the assistant uses. */
@Injectable()
export class AssistantServices {
  /** The frames of each connection. */
  readonly frames = new KeyedQueue();

  constructor(
    readonly hub: Hub,
    readonly authenticator: Authenticator,
    readonly conversations: Conversations,
    readonly commands: CommandBus,
    readonly limits: RateLimits,
    readonly writes: UserWrites,
    readonly metrics: Metrics,
    readonly admission: Admission,
    readonly budget: SocketBudget,
    readonly reads: Reads,
  ) {}
}
