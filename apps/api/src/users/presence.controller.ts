import { PageOf, PresenceGetPayload, PresenceItem } from '#contracts';
import type { SignedIn } from '#identity';
import { Presence } from '#presence';
import { Controller, Get, Query } from '@nestjs/common';
import { ApiQuery, ApiTags } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { Answers } from '../openapi/answers.js';
import { SignedInUser } from '../http/signed-in-user.js';

class PresencePage extends PageOf(PresenceItem) {}

class PresenceQuery extends PresenceGetPayload {
  @Transform(({ value }) => (typeof value === 'string' ? value.split(',') : value))
  declare user_ids: string[];
}

/** The REST version of `presence:get`. */
@ApiTags('presence')
@Controller('presence')
export class PresenceController {
  constructor(private readonly presence: Presence) {}

  @Get()
  @ApiQuery({ name: 'user_ids', type: String, description: 'Up to 200 ids, separated by commas' })
  @Answers('Online state of users', { type: PresencePage }, 'INVALID_DATA', 'UNAUTHORIZED')
  async get(
    @SignedInUser() { userId }: SignedIn,
    @Query() { user_ids }: PresenceQuery,
  ): Promise<PresencePage> {
    return { items: await this.presence.items(userId, user_ids), next_cursor: null };
  }
}
