import { Conversations } from '#assistant';
import { Authenticator } from '#identity';
import { Metrics, RateLimits } from '#platform';
import { Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';

/** What every connection of the assistant uses. */
@Injectable()
export class AssistantServices {
  constructor(
    readonly authenticator: Authenticator,
    readonly conversations: Conversations,
    readonly commands: CommandBus,
    readonly limits: RateLimits,
    readonly metrics: Metrics,
  ) {}
}
